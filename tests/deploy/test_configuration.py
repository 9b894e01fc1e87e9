"""Test the precedence of files, sections and options in the deployment configuration."""

from __future__ import annotations

import io
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deploy import configuration, guided_setup
from deploy.configuration import MAX_STACK_NAME_LENGTH, Choices, load
from deploy.errors import CommandError
from deploy.samconfig import parse_overrides

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Copy the checkout's configuration, without a local file."""
    (tmp_path / "deploy").mkdir()
    for name in ("samconfig.toml", "template.yaml", "deploy/managed_instances.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def write_local(root: Path, text: str) -> None:
    (root / "samconfig.local.toml").write_text(text)


def sam_settings(root: Path, **choices: Any) -> dict[str, dict[str, Any]]:
    """Return the settings for the SAM CLI by command."""
    parsed = tomllib.loads(load(Choices(**choices), root).samconfig())["default"]
    return {command: tables["parameters"] for command, tables in parsed.items()}


@pytest.mark.parametrize(
    ("env", "stack"), [("default", "chatd"), ("dev", "chatd-dev"), ("prod", "chatd-prod")]
)
def test_a_fresh_checkout_has_three_environments(root: Path, env: str, stack: str) -> None:
    found = sam_settings(root, env=env)

    assert found["global"]["stack_name"] == stack
    assert "Architecture=arm64" in found["global"]["parameter_overrides"]
    assert found["deploy"]["s3_prefix"] == stack
    assert found["deploy"]["capabilities"] == "CAPABILITY_IAM"
    assert found["build"] == {"parallel": True, "cached": False}


def test_the_local_file_overrides_single_settings_of_the_shared_file(root: Path) -> None:
    write_local(
        root,
        """
[prod.global.parameters]
region = "eu-central-1"
profile = "work"
parameter_overrides = ["Architecture=x86_64", "OllamaUrl=http://10.0.0.5:11434"]
[prod.deploy.parameters]
confirm_changeset = false
tags = "team=a"
""",
    )
    prod, default = sam_settings(root, env="prod"), sam_settings(root)

    assert prod["global"] == {
        "stack_name": "chatd-prod",
        "region": "eu-central-1",
        "profile": "work",
        "parameter_overrides": [
            "Architecture=x86_64",
            "LogRetentionDays=90",
            "OllamaUrl=http://10.0.0.5:11434",
        ],
    }
    assert prod["deploy"]["confirm_changeset"] is False
    assert prod["deploy"]["resolve_s3"] is True
    assert prod["deploy"]["tags"] == "team=a"
    assert "region" not in default["global"]


def test_command_options_override_both_files(root: Path) -> None:
    write_local(root, '[default.global.parameters]\nregion = "eu-central-1"\nstack_name = "mine"\n')

    given = {"Architecture": "x86_64", "OllamaUrl": ""}
    found = sam_settings(root, stack="other", region="us-east-1", profile="me", parameters=given)

    assert found["global"] == {
        "stack_name": "other",
        "region": "us-east-1",
        "profile": "me",
        "parameter_overrides": ["Architecture=x86_64", "OllamaUrl=''"],
    }
    for command in ("build", "deploy"):
        assert {"stack_name", "region", "profile"}.isdisjoint(found[command])


def test_a_section_only_in_the_local_file_extends_the_default_section(root: Path) -> None:
    write_local(root, '[staging.global.parameters]\nregion = "eu-central-1"\n')

    found = sam_settings(root, env="staging")

    assert found["global"]["stack_name"] == "chatd-staging"
    assert found["deploy"]["resolve_s3"] is True


def test_yes_disables_confirmation(root: Path) -> None:
    assert sam_settings(root, env="prod", yes=True)["deploy"]["confirm_changeset"] is False
    assert sam_settings(root, env="prod")["deploy"]["confirm_changeset"] is True


def test_the_managed_instances_stack_has_its_own_name_and_parameters(root: Path) -> None:
    write_local(root, '[default.global.parameters]\nparameter_overrides = ["ChatMemory=256"]\n')

    found = load(Choices(instances=True, parameters={"MaxVcpus": "32"}), root)

    assert found.stack == "chatd-instances"
    assert found.parameters == {"Architecture": "arm64", "MaxVcpus": "32"}
    assert load(Choices(), root).parameters["ChatMemory"] == "256"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"env": "pord"}, "ENV=pord: .* the sections are default, dev, prod"),
        ({"stack": "a" * (MAX_STACK_NAME_LENGTH + 1)}, "has 54 characters; the maximum is 53"),
        ({"stack": "my_stack"}, "letters, digits and hyphens"),
        ({"stack": "1stack"}, "begin with a letter"),
        (
            {"parameters": {"OlamaUrl": "x"}},
            "PARAMS: there is no parameter 'OlamaUrl'; the parameters are",
        ),
        ({"instances": True, "parameters": {"ChatMemory": "256"}}, "no parameter 'ChatMemory'"),
    ],
)
def test_an_invalid_option_fails_and_names_valid_values(
    root: Path, choices: dict[str, Any], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        load(Choices(**choices), root)


def test_the_maximum_stack_name_leaves_room_for_the_longest_function_name(root: Path) -> None:
    name = "a" * MAX_STACK_NAME_LENGTH

    assert load(Choices(stack=name), root).stack == name
    assert len(f"{name}-authorizer") == 64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default", "samconfig.local.toml cannot be read: "),
        (
            '[default.global.parameters]\nparameter_overrides = ["Architecture"]',
            "the parameter 'Architecture' is not Name=value",
        ),
        (
            '[default.global.parameters]\nparameter_overrides = "A=\'"',
            "are not Name=value",
        ),
        (
            '[default.global.parameters]\nparameter_overrides = ["Archtecture=arm64"]',
            "samconfig.local.toml: there is no parameter 'Archtecture'",
        ),
    ],
)
def test_an_invalid_file_is_named(root: Path, text: str, message: str) -> None:
    write_local(root, text)

    with pytest.raises(CommandError, match=message):
        load(Choices(), root)


@pytest.mark.parametrize(
    "value",
    [
        {"A": "1", "B": "x y"},
        ["A=1", "B='x y'"],
        'A="1" B="x y"',  # the form of sam deploy --guided
        "ParameterKey=A,ParameterValue=1 'ParameterKey=B,ParameterValue=x y'",
    ],
)
def test_parameter_overrides_are_read_in_every_form_of_sam(value: Any) -> None:
    assert parse_overrides(value) == {"A": "1", "B": "x y"}


def type_answers(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    """Answer the given questions, and press Enter at every other question."""
    questions = ["stack", "region", "profile", *configuration.template_parameters(instances=False)]
    text = "".join(f"{given.get(question, '')}\n" for question in questions)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_later_commands_read_the_guided_answers(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_local(root, '[default.global.parameters]\nregion = "us-east-1"\n')
    type_answers(
        monkeypatch,
        stack="mine",
        region="eu-central-1",
        profile="work",
        Architecture="x86_64",
        OllamaUrl="http://10.0.0.5:11434",
    )

    choices = guided_setup.ask_and_save(Choices(env="prod"), root)

    assert load(choices, root) == load(Choices(env="prod"), root)
    found = load(Choices(env="prod"), root)
    assert (found.stack, found.region, found.profile) == ("mine", "eu-central-1", "work")
    assert found.parameters == {
        "Architecture": "x86_64",
        "LogRetentionDays": "90",
        "OllamaUrl": "http://10.0.0.5:11434",
    }
    assert found.commands["deploy"]["confirm_changeset"] is True
    # Other sections and the default stack are unchanged.
    assert load(Choices(), root).region == "us-east-1"
    assert load(Choices(), root).stack == "chatd"


def test_guided_shows_current_values_and_a_hyphen_clears_them(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_local(
        root,
        '[default.global.parameters]\nregion = "us-east-1"\nprofile = "work"\n'
        'parameter_overrides = ["OllamaUrl=http://10.0.0.5", "MaxVcpus=32"]\n',
    )
    type_answers(monkeypatch, profile="-", OllamaUrl="-")

    guided_setup.ask_and_save(Choices(), root)

    found = load(Choices(), root)
    assert "OllamaUrl [http://10.0.0.5]: " in capsys.readouterr().err
    assert (found.stack, found.region, found.profile) == ("chatd", "us-east-1", None)
    assert found.parameters == {"Architecture": "arm64", "OllamaUrl": ""}
    assert load(Choices(instances=True), root).parameters["MaxVcpus"] == "32"


def test_guided_creates_a_new_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    type_answers(monkeypatch, region="eu-central-1")

    guided_setup.ask_and_save(Choices(env="staging"), root)

    assert load(Choices(env="staging"), root).stack == "chatd-staging"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"stack": "a b"}, "letters, digits and hyphens"),
        ({"region": "Frankfurt"}, "a region such as eu-central-1"),
        ({"region": "eu-central-1", "Architecture": "arm"}, "one of: arm64, x86_64"),
        ({"region": "eu-central-1", "ThrottlingRate": "many"}, "a whole number"),
        ({"region": "eu-central-1", "OllamaUrl": "10.0.0.5"}, "An http or https URL"),
    ],
)
def test_guided_repeats_a_question_after_an_invalid_answer(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, str],
    message: str,
) -> None:
    type_answers(monkeypatch, **wrong)

    # The repeated question consumes a line, so the last question has none.
    with pytest.raises(CommandError, match="standard input has ended"):
        guided_setup.ask_and_save(Choices(), root)

    assert message in capsys.readouterr().err
    assert not (root / "samconfig.local.toml").exists()
