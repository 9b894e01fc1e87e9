"""Test concurrent updates of a secret."""

from __future__ import annotations

import json
import threading
from argparse import Namespace
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from chatd.access.caller_keys import Callers
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
    """Create a callers' secret in the stack's format."""
    secrets_manager.create_secret(
        Name="callers", SecretString=json.dumps({"callers": {}, "pepper": PEPPER})
    )
    return secrets_manager


def secret_content(client: SecretsManagerClient) -> dict[str, Any]:
    text = client.get_secret_value(SecretId="callers", VersionStage="AWSCURRENT")["SecretString"]
    content: dict[str, Any] = json.loads(text)
    return content


def version_labels(client: SecretsManagerClient) -> list[str]:
    versions = client.describe_secret(SecretId="callers")["VersionIdsToStages"]
    return sorted(stage for found in versions.values() for stage in found)


def test_concurrent_writers_all_keep_their_changes(
    callers: SecretsManagerClient,
) -> None:
    together = threading.Barrier(6, timeout=PATIENCE)

    def add(name: str) -> int:
        calls = 0

        def change(content: dict[str, Any]) -> dict[str, Any]:
            nonlocal calls
            calls += 1
            if calls == 1:
                together.wait()  # every writer has read and none has written
            return {**content, name: name}

        JsonSecret("callers", Account()).update(change)
        return calls

    names = [f"writer-{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        calls = list(threads.map(add, names))

    assert set(secret_content(callers)) == {*names, "callers", "pepper"}
    assert min(calls) == 1
    assert max(calls) > 1


class RevokedMeanwhile(JsonSecret):
    """Revoke a caller between the read and the write of the first update."""

    revoked = False

    def update(self, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
        def with_conflict(content: dict[str, Any]) -> Mapping[str, Any]:
            after = change(content)
            if not self.revoked:
                self.revoked = True
                assert caller_keys.main(["--secret-id", "callers", "revoke", "mallory"]) == 0
            return after

        return super().update(with_conflict)


def test_an_addition_keeps_a_concurrent_revocation(
    callers: SecretsManagerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert caller_keys.main(["--secret-id", "callers", "add", "mallory"]) == 0
    capsys.readouterr()

    caller_keys.add_key(
        RevokedMeanwhile("callers", Account()), Namespace(name="alice", rotate=False)
    )

    key = capsys.readouterr().out.strip()
    assert set(secret_content(callers)["callers"]) == {"alice"}
    assert Callers.of_secret(json.dumps(secret_content(callers))).name_of(key) == "alice"


def test_temporary_labels_are_removed(callers: SecretsManagerClient) -> None:
    for n in range(25):  # a secret has at most 20 labels
        JsonSecret("callers", Account()).update(lambda content, n=n: {**content, "n": n})  # type: ignore[misc]  # mypy rejects the lambda's default argument

    assert version_labels(callers) == ["AWSCURRENT", "AWSPREVIOUS"]


def test_unchanged_content_is_not_written(callers: SecretsManagerClient) -> None:
    before = callers.describe_secret(SecretId="callers")["VersionIdsToStages"]

    JsonSecret("callers", Account()).update(dict)

    assert callers.describe_secret(SecretId="callers")["VersionIdsToStages"] == before


def test_a_failing_change_does_not_write_the_secret(callers: SecretsManagerClient) -> None:
    before = secret_content(callers)

    def refuse(_content: dict[str, Any]) -> dict[str, Any]:
        raise CommandError("no")

    with pytest.raises(CommandError, match=r"^no$"):
        JsonSecret("callers", Account()).update(refuse)

    assert secret_content(callers) == before


def test_a_writer_gives_up_after_repeated_conflicts(
    callers: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws_account, "_MAX_ATTEMPTS", 3)
    turns = iter(range(100))

    def with_conflict(content: dict[str, Any]) -> dict[str, Any]:
        JsonSecret("callers", Account()).update(lambda now: {**now, "other": next(turns)})
        return {**content, "mine": True}

    with pytest.raises(CommandError, match="other writers changed the secret 'callers' 3 times"):
        JsonSecret("callers", Account()).update(with_conflict)

    assert "mine" not in secret_content(callers)
    assert version_labels(callers) == ["AWSCURRENT", "AWSPREVIOUS"]
