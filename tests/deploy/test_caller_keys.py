"""Test the commands that create, list, rotate and revoke callers' keys."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from chatd.access.caller_keys import Callers
from deploy import caller_keys

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


class Ran(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Ran]
PEPPER = "p" * 64
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(secrets_manager: SecretsManagerClient, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command with a secret in the stack's format."""
    secrets_manager.create_secret(
        Name="callers", SecretString=json.dumps({"callers": {}, "pepper": PEPPER})
    )

    def command(*arguments: str) -> Ran:
        status = caller_keys.main(["--secret-id", "callers", *arguments])
        printed = capsys.readouterr()
        return Ran(status, printed.out, printed.err)

    return command


def secret_text(client: SecretsManagerClient) -> str:
    return client.get_secret_value(SecretId="callers", VersionStage="AWSCURRENT")["SecretString"]


def test_a_new_key_is_valid_and_only_its_hash_is_stored(
    run: Run, secrets_manager: SecretsManagerClient
) -> None:
    made = run("add", "alice")
    key = made.out.strip()

    assert made.status == 0
    assert made.out == f"{key}\n"
    assert "shown only this once" in made.err
    assert key not in made.err
    assert Callers.of_secret(secret_text(secrets_manager)).name_of(key) == "alice"
    assert key not in secret_text(secrets_manager)
    assert json.loads(secret_text(secrets_manager))["pepper"] == PEPPER


def test_an_existing_name_is_refused(run: Run, secrets_manager: SecretsManagerClient) -> None:
    key = run("add", "alice").out.strip()

    again = run("add", "alice")

    assert again.status == 1
    assert "ROTATE=1" in again.err
    assert again.out == ""
    assert Callers.of_secret(secret_text(secrets_manager)).name_of(key) == "alice"


def test_rotation_invalidates_the_old_key(run: Run, secrets_manager: SecretsManagerClient) -> None:
    old = run("add", "alice").out.strip()
    new = run("add", "alice", "--rotate").out.strip()
    callers = Callers.of_secret(secret_text(secrets_manager))

    assert callers.name_of(old) is None
    assert callers.name_of(new) == "alice"


def test_list_prints_only_the_names(run: Run) -> None:
    assert "There are no callers" in run("list").err

    run("add", "bob")
    run("add", "alice")

    assert run("list").out == "alice\nbob\n"


def test_a_revoked_key_is_invalid(run: Run, secrets_manager: SecretsManagerClient) -> None:
    key = run("add", "alice").out.strip()
    other = run("add", "bob").out.strip()

    assert run("revoke", "alice").status == 0
    assert Callers.of_secret(secret_text(secrets_manager)).name_of(key) is None
    assert Callers.of_secret(secret_text(secrets_manager)).name_of(other) == "bob"


def test_revoking_an_unknown_caller_fails(run: Run) -> None:
    revoked = run("revoke", "carol")

    assert revoked.status == 1
    assert "'carol'" in revoked.err


@pytest.mark.parametrize("name", ["", "-x", "a b", "ä", "a" * 65, "a/b"])
def test_an_invalid_name_is_refused(run: Run, name: str) -> None:
    made = run("add", "--", name)

    assert made.status == 1
    assert "a caller's name has" in made.err


def test_a_secret_of_provider_keys_is_not_overwritten(
    run: Run, secrets_manager: SecretsManagerClient
) -> None:
    secrets_manager.put_secret_value(SecretId="callers", SecretString='{"KIMI_API_KEY": "canary"}')

    made = run("add", "alice")

    assert made.status == 1
    assert "is not a secret of callers' keys" in made.err
    assert "canary" not in made.err
    assert secret_text(secrets_manager) == '{"KIMI_API_KEY": "canary"}'


def test_make_prints_only_the_key(run: Run, secrets_manager: SecretsManagerClient) -> None:
    installed = (f"--assume-old=.venv/{stamp}.stamp" for stamp in ("run", "aws"))
    made = [
        subprocess.run(
            ["make", *installed, "caller-key", "NAME=alice", "SECRET_ID=callers", *rotate],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for rotate in ([], ["ROTATE=1"])
    ]

    assert [result.returncode for result in made] == [0, 0], made
    assert (
        Callers.of_secret(secret_text(secrets_manager)).name_of(made[1].stdout.strip()) == "alice"
    )
