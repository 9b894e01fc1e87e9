"""Test that `make keys` writes the secret and shows no value."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from chatd.config.catalog import CATALOG
from deploy import provider_keys

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ROOT = Path(__file__).resolve().parents[2]
CANARY = "sk-canary-0123456789"
MakeKeys = Callable[..., tuple[int, str]]


@pytest.fixture
def make_keys(
    secrets_manager: SecretsManagerClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> MakeKeys:
    """Run the command with standard input; return the exit status and the output."""
    secrets_manager.create_secret(Name="keys", SecretString='{"KIMI_API_KEY": "old"}')

    def run(text: str, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        status = provider_keys.main(["--secret-id", "keys", *arguments])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def secret_content(client: SecretsManagerClient) -> Any:
    return json.loads(
        client.get_secret_value(SecretId="keys", VersionStage="AWSCURRENT")["SecretString"]
    )


def test_lines_are_merged_into_the_secret(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient
) -> None:
    status, printed = make_keys(
        f"# mine\nexport OPENROUTER_API_KEY={CANARY}\n\nOPENCODE_API_KEY = '{CANARY}2'\n"
    )

    assert status == 0
    assert secret_content(secrets_manager) == {
        "KIMI_API_KEY": "old",
        "OPENROUTER_API_KEY": CANARY,
        "OPENCODE_API_KEY": f"{CANARY}2",
    }
    assert "OPENROUTER_API_KEY: added" in printed
    assert CANARY not in printed


def test_a_json_object_is_accepted(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient
) -> None:
    status, printed = make_keys(json.dumps({"KIMI_API_KEY": CANARY}))

    assert status == 0
    assert secret_content(secrets_manager) == {"KIMI_API_KEY": CANARY}
    assert "KIMI_API_KEY: replaced" in printed
    assert CANARY not in printed


def test_unchanged_keys_write_no_version(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient
) -> None:
    before = secrets_manager.describe_secret(SecretId="keys")["VersionIdsToStages"]

    status, printed = make_keys("KIMI_API_KEY=old\nOLLAMA_API_KEY=\n")

    assert status == 0
    assert "KIMI_API_KEY: unchanged" in printed
    assert "OLLAMA_API_KEY: not set" in printed
    assert secrets_manager.describe_secret(SecretId="keys")["VersionIdsToStages"] == before


def test_an_empty_value_deletes_the_key(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient
) -> None:
    status, printed = make_keys("KIMI_API_KEY=\nOLLAMA_API_KEY=\n")

    assert status == 0
    assert secret_content(secrets_manager) == {}
    assert "KIMI_API_KEY: deleted" in printed
    assert "OLLAMA_API_KEY: not set" in printed
    assert "The secret holds: no key." in printed


def test_an_unknown_name_fails_and_lists_the_known_names(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient
) -> None:
    status, printed = make_keys(f"OPEN_ROUTER_KEY={CANARY}\nKIMI_API_KEY={CANARY}\n")

    assert status == 1
    assert "'OPEN_ROUTER_KEY'" in printed
    assert "OPENROUTER_API_KEY" in printed
    assert CANARY not in printed
    assert secret_content(secrets_manager) == {"KIMI_API_KEY": "old"}


def test_the_key_variable_of_a_custom_provider_is_known(
    make_keys: MakeKeys,
    secrets_manager: SecretsManagerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(
        '[providers.mine]\ndialect = "openai_chat"\n'
        'base_url = "https://m.example.com/v1"\nkey_variable = "MINE_KEY"\n'
    )
    monkeypatch.setenv("CHATD_CONFIG", str(config))

    status, _ = make_keys("MINE_KEY=k\n")

    assert status == 0
    assert secret_content(secrets_manager)["MINE_KEY"] == "k"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "standard input is empty"),
        (f"KIMI_API_KEY=x\n{CANARY}\n", "line 2 is not NAME=value"),
        (f"KIMI_API_KEY=x\n{CANARY}==\n", "line 2 is not NAME=value"),
        (json.dumps({CANARY: "KIMI_API_KEY"}), "a name in the JSON object has characters"),
        (f'{{"KIMI_API_KEY": "{CANARY}"', "begins with { and is not valid JSON"),
        (f'{{"KIMI_API_KEY": ["{CANARY}"]}}', "the value of 'KIMI_API_KEY' is not a string"),
        (f"KIMI_API_KEY={CANARY}ü\n", "the value of KIMI_API_KEY has characters"),
    ],
)
def test_invalid_input_fails_without_showing_a_value(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient, text: str, message: str
) -> None:
    status, printed = make_keys(text)

    assert status == 1
    assert message in printed
    assert CANARY not in printed
    assert len(printed.splitlines()) == 1
    assert secret_content(secrets_manager) == {"KIMI_API_KEY": "old"}


def test_a_secret_with_other_content_is_not_changed(
    make_keys: MakeKeys, secrets_manager: SecretsManagerClient
) -> None:
    secrets_manager.put_secret_value(SecretId="keys", SecretString=CANARY)

    status, printed = make_keys("KIMI_API_KEY=k\n")

    assert status == 1
    assert "does not hold a JSON object" in printed
    assert CANARY not in printed


def test_the_secret_is_read_from_the_stack_s_outputs(
    make_keys: MakeKeys,
    secrets_manager: SecretsManagerClient,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arn = secrets_manager.describe_secret(SecretId="keys")["ARN"]
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"ProviderSecretArn": {"Value": arn}},
    }
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName="mine", TemplateBody=json.dumps(template))
    monkeypatch.setattr(sys, "stdin", io.StringIO("KIMI_API_KEY=new"))

    status = provider_keys.main(["--stack", "mine"])

    assert status == 0
    assert secret_content(secrets_manager) == {"KIMI_API_KEY": "new"}
    cloudformation.delete_stack(StackName="mine")


def test_a_missing_stack_prints_one_line(
    make_keys: MakeKeys, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("KIMI_API_KEY=new"))

    status = provider_keys.main(["--stack", "nowhere"])

    assert status == 1
    assert capsys.readouterr().err.startswith("make keys: AWS answered ValidationError: ")


def test_a_stack_without_the_output_prints_one_line(
    make_keys: MakeKeys, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"Other": {"Value": "x"}},
    }
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(StackName="other", TemplateBody=json.dumps(template))
    monkeypatch.setattr(sys, "stdin", io.StringIO("KIMI_API_KEY=new"))

    status = provider_keys.main(["--stack", "other"])

    assert status == 1
    assert "has no output 'ProviderSecretArn'" in capsys.readouterr().err
    cloudformation.delete_stack(StackName="other")


def test_a_missing_region_prints_one_line(
    make_keys: MakeKeys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    status, printed = make_keys("KIMI_API_KEY=new")

    assert status == 1
    assert printed.startswith("make keys: there is no region: set REGION=eu-central-1 ")
    assert printed.count("\n") == 1


def test_a_missing_chatd_toml_prints_one_line(
    make_keys: MakeKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_CONFIG", str(tmp_path / "none.toml"))

    status, printed = make_keys("KIMI_API_KEY=new")

    assert status == 1
    assert "none.toml" in printed


def test_on_a_terminal_each_key_is_prompted_without_echo(
    secrets_manager: SecretsManagerClient,
) -> None:
    secrets_manager.create_secret(Name="keys", SecretString='{"OLLAMA_API_KEY": "old"}')
    terminal, inside = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "deploy.provider_keys", "--secret-id", "keys"],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
        start_new_session=True,  # otherwise getpass opens the terminal of the test run
    )
    os.close(inside)
    seen = b""
    answers = {"KIMI_API_KEY": CANARY, "OLLAMA_API_KEY": "-"}
    for name in sorted({row.key_variable for row in CATALOG.values() if row.key_variable}):
        seen = _read_until(terminal, seen, f"  {name}: ".encode())  # a name may end another
        os.write(terminal, answers.get(name, "").encode() + b"\n")
    seen = _read_until(terminal, seen, b"five minutes")
    status = child.wait(20)
    os.close(terminal)

    assert status == 0
    assert b"Enter keeps the current value" in seen
    assert CANARY.encode() not in seen
    assert secret_content(secrets_manager) == {"KIMI_API_KEY": CANARY}


def _read_until(terminal: int, seen: bytes, mark: bytes) -> bytes:
    end = time.monotonic() + 20
    while mark not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))

        assert ready, f"{mark!r} is missing in {seen!r}"

        seen += os.read(terminal, 4096)
    return seen
