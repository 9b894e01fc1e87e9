"""Writers of a secret that meet lose nothing of each other, and leave nothing behind."""

from __future__ import annotations

import json
import threading
from argparse import Namespace
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from chatd.callers import Callers
from deploy import aws_account, caller_keys
from deploy.aws_account import Account, JsonSecret
from deploy.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Change = Callable[[dict[str, Any]], Mapping[str, Any]]
PATIENCE = 60
PEPPER = "p" * 64


@pytest.fixture
def callers(secrets_manager: SecretsManagerClient) -> SecretsManagerClient:
    """Secrets Manager with a callers' secret as the stack makes it."""
    secrets_manager.create_secret(
        Name="callers", SecretString=json.dumps({"callers": {}, "pepper": PEPPER})
    )
    return secrets_manager


def held(client: SecretsManagerClient) -> dict[str, Any]:
    text = client.get_secret_value(SecretId="callers", VersionStage="AWSCURRENT")["SecretString"]
    content: dict[str, Any] = json.loads(text)
    return content


def stages(client: SecretsManagerClient) -> list[str]:
    versions = client.describe_secret(SecretId="callers")["VersionIdsToStages"]
    return sorted(stage for found in versions.values() for stage in found)


def test_writers_that_read_the_same_version_all_get_their_change(
    callers: SecretsManagerClient,
) -> None:
    together = threading.Barrier(6, timeout=PATIENCE)

    def add(name: str) -> int:
        calls = 0

        def change(content: dict[str, Any]) -> dict[str, Any]:
            nonlocal calls
            calls += 1
            if calls == 1:
                together.wait()  # all have read by now, and none has written
            return {**content, name: name}

        JsonSecret("callers", Account()).update(change)
        return calls

    names = [f"writer-{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        calls = list(threads.map(add, names))

    assert set(held(callers)) == {*names, "callers", "pepper"}
    assert min(calls) == 1
    assert max(calls) > 1


class Overtaken(JsonSecret):
    """A secret whose first update is overtaken by a revocation between its read and its write."""

    revoked = False

    def update(self, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
        def overtaken(content: dict[str, Any]) -> Mapping[str, Any]:
            after = change(content)
            if not self.revoked:
                self.revoked = True
                assert caller_keys.main(["--secret-id", "callers", "revoke", "mallory"]) == 0
            return after

        return super().update(overtaken)


def test_an_addition_does_not_undo_a_revocation_that_comes_between(
    callers: SecretsManagerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert caller_keys.main(["--secret-id", "callers", "add", "mallory"]) == 0
    capsys.readouterr()

    caller_keys.add_key(Overtaken("callers", Account()), Namespace(name="alice", rotate=False))

    key = capsys.readouterr().out.strip()
    assert set(held(callers)["callers"]) == {"alice"}
    assert Callers.of_secret(json.dumps(held(callers))).name_of(key) == "alice"


def test_no_label_is_left_behind(callers: SecretsManagerClient) -> None:
    for n in range(25):  # a secret has 20 at most
        JsonSecret("callers", Account()).update(lambda content, n=n: {**content, "n": n})  # type: ignore[misc]  # a default is no argument

    assert stages(callers) == ["AWSCURRENT", "AWSPREVIOUS"]


def test_a_secret_that_stays_as_it_is_is_not_written(callers: SecretsManagerClient) -> None:
    before = callers.describe_secret(SecretId="callers")["VersionIdsToStages"]

    JsonSecret("callers", Account()).update(dict)

    assert callers.describe_secret(SecretId="callers")["VersionIdsToStages"] == before


def test_a_change_that_refuses_leaves_the_secret_alone(callers: SecretsManagerClient) -> None:
    before = held(callers)

    def refuse(_content: dict[str, Any]) -> dict[str, Any]:
        raise CommandError("no")

    with pytest.raises(CommandError, match=r"^no$"):
        JsonSecret("callers", Account()).update(refuse)

    assert held(callers) == before


def test_a_writer_that_is_always_too_late_gives_up_and_says_so(
    callers: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_account, "_MAX_ATTEMPTS", 3)
    turns = iter(range(100))

    def overtaken(content: dict[str, Any]) -> dict[str, Any]:
        JsonSecret("callers", Account()).update(lambda now: {**now, "other": next(turns)})
        return {**content, "mine": True}

    with pytest.raises(CommandError, match="other writers changed the secret 'callers' 3 times"):
        JsonSecret("callers", Account()).update(overtaken)

    assert "mine" not in held(callers)
    assert stages(callers) == ["AWSCURRENT", "AWSPREVIOUS"]
