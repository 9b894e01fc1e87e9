"""One configuration for every command: which file, section and choice holds."""

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
    """A checkout's configuration, without a local file."""
    (tmp_path / "deploy").mkdir()
    for name in ("samconfig.toml", "template.yaml", "deploy/instances.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def local(root: Path, text: str) -> None:
    (root / "samconfig.local.toml").write_text(text)


def read(root: Path, **choices: Any) -> dict[str, dict[str, Any]]:
    """What `sam` is given, by command."""
    parsed = tomllib.loads(load(Choices(**choices), root).samconfig())["default"]
    return {command: tables["parameters"] for command, tables in parsed.items()}


@pytest.mark.parametrize(
    ("env", "stack"), [("default", "chatd"), ("dev", "chatd-dev"), ("prod", "chatd-prod")]
)
def test_a_fresh_checkout_has_three_environments(root: Path, env: str, stack: str) -> None:
    found = read(root, env=env)

    assert found["global"]["stack_name"] == stack
    assert "Architecture=arm64" in found["global"]["parameter_overrides"]
    assert found["deploy"]["s3_prefix"] == stack
    assert found["deploy"]["capabilities"] == "CAPABILITY_IAM"
    assert found["build"] == {"parallel": True, "cached": False}


def test_the_local_file_goes_over_the_shared_one_setting_by_setting(root: Path) -> None:
    local(
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
    prod, default = read(root, env="prod"), read(root)

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


def test_a_command_s_choices_go_over_both(root: Path) -> None:
    local(root, '[default.global.parameters]\nregion = "eu-central-1"\nstack_name = "mine"\n')

    given = {"Architecture": "x86_64", "OllamaUrl": ""}
    found = read(root, stack="other", region="us-east-1", profile="me", parameters=given)

    assert found["global"] == {
        "stack_name": "other",
        "region": "us-east-1",
        "profile": "me",
        "parameter_overrides": ["Architecture=x86_64", "OllamaUrl=''"],
    }
    for command in ("build", "deploy"):
        assert {"stack_name", "region", "profile"}.isdisjoint(found[command])


def test_a_section_of_the_local_file_alone_deploys_as_the_default_one(root: Path) -> None:
    local(root, '[staging.global.parameters]\nregion = "eu-central-1"\n')

    found = read(root, env="staging")

    assert found["global"]["stack_name"] == "chatd-staging"
    assert found["deploy"]["resolve_s3"] is True


def test_yes_confirms_everything(root: Path) -> None:
    assert read(root, env="prod", yes=True)["deploy"]["confirm_changeset"] is False
    assert read(root, env="prod")["deploy"]["confirm_changeset"] is True


def test_the_stack_on_instances_is_another_and_has_its_own_parameters(root: Path) -> None:
    local(root, '[default.global.parameters]\nparameter_overrides = ["ChatMemory=256"]\n')

    found = load(Choices(instances=True, parameters={"MaxVcpus": "32"}), root)

    assert found.stack == "chatd-instances"
    assert found.parameters == {"Architecture": "arm64", "MaxVcpus": "32"}
    assert load(Choices(), root).parameters["ChatMemory"] == "256"


@pytest.mark.parametrize(
    ("choices", "says"),
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
def test_a_choice_that_is_wrong_is_refused_with_what_is_right(
    root: Path, choices: dict[str, Any], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        load(Choices(**choices), root)


def test_the_longest_stack_s_name_leaves_room_for_its_longest_function_s(root: Path) -> None:
    name = "a" * MAX_STACK_NAME_LENGTH

    assert load(Choices(stack=name), root).stack == name
    assert len(f"{name}-authorizer") == 64


@pytest.mark.parametrize(
    ("text", "says"),
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
def test_a_file_that_is_wrong_is_named(root: Path, text: str, says: str) -> None:
    local(root, text)

    with pytest.raises(CommandError, match=says):
        load(Choices(), root)


@pytest.mark.parametrize(
    "value",
    [
        {"A": "1", "B": "x y"},
        ["A=1", "B='x y'"],
        'A="1" B="x y"',  # as sam deploy --guided writes it
        "ParameterKey=A,ParameterValue=1 'ParameterKey=B,ParameterValue=x y'",
    ],
)
def test_parameters_are_read_in_every_form_that_sam_takes(value: Any) -> None:
    assert parse_overrides(value) == {"A": "1", "B": "x y"}


def answers(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    """Type these answers, and Enter for every other question."""
    questions = ["stack", "region", "profile", *configuration.template_parameters(instances=False)]
    text = "".join(f"{given.get(question, '')}\n" for question in questions)
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_what_guided_saves_is_what_every_later_command_reads(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local(root, '[default.global.parameters]\nregion = "us-east-1"\n')
    answers(
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
    # Other sections stay as they were, and no second stack comes of it.
    assert load(Choices(), root).region == "us-east-1"
    assert load(Choices(), root).stack == "chatd"


def test_guided_offers_what_holds_and_a_hyphen_empties_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local(
        root,
        '[default.global.parameters]\nregion = "us-east-1"\nprofile = "work"\n'
        'parameter_overrides = ["OllamaUrl=http://10.0.0.5", "MaxVcpus=32"]\n',
    )
    answers(monkeypatch, profile="-", OllamaUrl="-")

    guided_setup.ask_and_save(Choices(), root)

    found = load(Choices(), root)
    assert "OllamaUrl [http://10.0.0.5]: " in capsys.readouterr().err
    assert (found.stack, found.region, found.profile) == ("chatd", "us-east-1", None)
    assert found.parameters == {"Architecture": "arm64", "OllamaUrl": ""}
    assert load(Choices(instances=True), root).parameters["MaxVcpus"] == "32"


def test_guided_makes_a_new_environment(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, region="eu-central-1")

    guided_setup.ask_and_save(Choices(env="staging"), root)

    assert load(Choices(env="staging"), root).stack == "chatd-staging"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"stack": "a b"}, "letters, digits and hyphens"),
        ({"region": "Frankfurt"}, "a region such as eu-central-1"),
        ({"region": "eu-central-1", "Architecture": "arm"}, "one of: arm64, x86_64"),
        ({"region": "eu-central-1", "ThrottlingRate": "many"}, "a whole number"),
        ({"region": "eu-central-1", "OllamaUrl": "10.0.0.5"}, "An http or https URL"),
    ],
)
def test_guided_asks_again_where_an_answer_cannot_be_right(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wrong: dict[str, str],
    says: str,
) -> None:
    answers(monkeypatch, **wrong)

    # The question that comes again takes the next line, so the last one has none.
    with pytest.raises(CommandError, match="standard input has ended"):
        guided_setup.ask_and_save(Choices(), root)

    assert says in capsys.readouterr().err
    assert not (root / "samconfig.local.toml").exists()
