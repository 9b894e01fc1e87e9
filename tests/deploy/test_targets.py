"""Test that all make targets pass the same configuration to the commands, in any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

ROOT = Path(__file__).resolve().parents[2]
# Records the arguments and the configuration file of each call.
SAM = """#!/bin/sh
for argument; do
  [ "$previous" = --config-file ] && cp "$argument" .aws-sam/settings-$1.toml
  previous=$argument
done
echo "$@" >> .aws-sam/calls
mkdir -p .aws-sam/build
"""
Make = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Copy the checkout to a path with a space, with a fake SAM CLI."""
    root = tmp_path / "a b" / "chatd"
    (root / ".venv-sam" / "bin").mkdir(parents=True)
    for name in ("Makefile", "samconfig.toml", "template.yaml", "chatd.toml"):
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "deploy", root / "deploy")  # the commands read files next to the package
    for name in ("functions", "local", "bench", "facts", "tests", "requirements", ".venv"):
        (root / name).symlink_to(ROOT / name)
    (root / ".venv-sam" / "bin" / "sam").write_text(SAM)
    (root / ".venv-sam" / "bin" / "sam").chmod(0o755)
    return root


@pytest.fixture
def make(checkout: Path) -> Make:
    """Run make in the checkout without installing environments."""
    installed = [
        f"--assume-old={stamp}"
        for stamp in (".venv/run.stamp", ".venv/aws.stamp", ".venv-sam/sam.stamp")
    ]
    (checkout / ".venv-sam" / "sam.stamp").touch()

    def run(*arguments: str, answers: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "MAKEFLAGS": "", "PYTHONPATH": ""}
        # With MAKELEVEL, which `make test` sets, make prints each folder.
        for name in ("AWS_REGION", "AWS_PROFILE", "AWS_DEFAULT_REGION", "PARAMS", "MAKELEVEL"):
            environment.pop(name, None)
        return subprocess.run(
            ["make", *installed, *arguments],
            cwd=checkout,
            env={**environment, **more},
            input=answers,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


def sam_settings(checkout: Path, command: str) -> dict[str, Any]:
    """Return the settings of a command in the configuration file passed to the SAM CLI."""
    read = tomllib.loads((checkout / ".aws-sam" / f"settings-{command}.toml").read_text())[
        "default"
    ]
    parameters: dict[str, Any] = {
        **read["global"]["parameters"],
        **read.get(command, {}).get("parameters", {}),
    }
    return parameters


def sam_commands(checkout: Path) -> list[str]:
    file = checkout / ".aws-sam" / "calls"
    return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []


def test_guided_works_in_a_fresh_checkout_and_later_commands_use_its_answers(
    checkout: Path, make: Make
) -> None:
    answers = ["mine", "eu-central-1", "", "x86_64", *[""] * 30]
    guided = make("deploy", "GUIDED=1", "YES=1", answers="\n".join(answers))
    first = {command: sam_settings(checkout, command) for command in ("build", "deploy")}

    again = make("deploy", "YES=1")
    second = {command: sam_settings(checkout, command) for command in ("build", "deploy")}

    assert (guided.returncode, again.returncode) == (0, 0), guided.stderr + again.stderr
    assert sam_commands(checkout) == ["build", "deploy", "build", "deploy"]
    assert first == second
    for command in ("build", "deploy"):
        assert first[command]["stack_name"] == "mine"
        assert first[command]["region"] == "eu-central-1"
        assert "Architecture=x86_64" in first[command]["parameter_overrides"]


def test_guided_in_one_environment_does_not_change_another(checkout: Path, make: Make) -> None:
    make("build", "ENV=prod")
    before = sam_settings(checkout, "build")
    make("deploy", "GUIDED=1", "YES=1", answers="\n".join(["mine", "eu-central-1", *[""] * 30]))

    assert make("build", "ENV=prod").returncode == 0
    assert sam_settings(checkout, "build") == before
    assert before["stack_name"] == "chatd-prod"


def test_options_of_make_deploy_reach_the_build(checkout: Path, make: Make) -> None:
    given = ("PARAMS=OllamaUrl=http://10.0.0.5:11434 DefaultProvider=kimi", "ARCH=x86_64")
    result = make("deploy", "ENV=dev", "STACK=other", "REGION=us-west-2", "PROFILE=me", *given)

    assert result.returncode == 0, result.stderr
    for command in ("build", "deploy"):
        found = sam_settings(checkout, command)
        named = (found["stack_name"], found["region"], found["profile"])
        assert named == ("other", "us-west-2", "me")
        assert found["parameter_overrides"] == [
            "Architecture=x86_64",
            "LogRetentionDays=7",
            "OllamaUrl=http://10.0.0.5:11434",
            "DefaultProvider=kimi",
        ]


def test_without_a_terminal_a_deployment_with_confirmation_fails_before_the_build(
    checkout: Path, make: Make
) -> None:
    result = make("deploy", "ENV=prod")

    assert result.returncode != 0
    assert "YES=1" in result.stderr
    assert sam_commands(checkout) == []


def test_yes_deploys_without_a_terminal(checkout: Path, make: Make) -> None:
    assert make("deploy", "ENV=prod", "YES=1").returncode == 0
    assert sam_settings(checkout, "deploy")["confirm_changeset"] is False


def test_the_managed_instances_stack_is_built_from_its_own_template(
    checkout: Path, make: Make
) -> None:
    network = "SubnetIds=subnet-0a SecurityGroupIds=sg-0a"
    result = make("deploy", "INSTANCES=1", "YES=1", f"PARAMS={network}")

    assert result.returncode == 0, result.stderr
    assert sam_settings(checkout, "deploy")["stack_name"] == "chatd-instances"
    assert "--template-file template-instances.yaml" in (checkout / ".aws-sam/calls").read_text()


def test_a_configuration_error_stops_before_the_build(checkout: Path, make: Make) -> None:
    result = make("deploy", "ENV=pord", "YES=1")

    assert result.returncode != 0
    assert "the sections are default, dev, prod" in result.stderr
    assert "Traceback" not in result.stderr
    assert sam_commands(checkout) == []


@pytest.fixture
def stacks(secrets_manager: SecretsManagerClient) -> Iterator[dict[str, Any]]:
    """Create stacks of one name in two regions, each with separate secrets."""
    clients = {}
    for region in ("eu-central-1", "us-west-2"):
        manager = boto3.client("secretsmanager", region_name=region)
        arns = {
            "CallersSecretArn": manager.create_secret(
                Name=f"callers-{region}",
                SecretString=json.dumps({"callers": {}, "pepper": "p" * 64}),
            )["ARN"],
            "ProviderSecretArn": manager.create_secret(Name=f"keys-{region}", SecretString="{}")[
                "ARN"
            ],
        }
        template = {
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {name: {"Value": arn} for name, arn in arns.items()},
        }
        template["Outputs"]["BaseUrl"] = {"Value": f"http://127.0.0.1:1/{region}"}
        cloudformation = boto3.client("cloudformation", region_name=region)
        cloudformation.create_stack(StackName="mine", TemplateBody=json.dumps(template))
        clients[region] = (manager, cloudformation)
    yield {region: manager for region, (manager, _) in clients.items()}
    for region, (manager, cloudformation) in clients.items():
        cloudformation.delete_stack(StackName="mine")
        for name in ("callers", "keys"):
            manager.delete_secret(SecretId=f"{name}-{region}", ForceDeleteWithoutRecovery=True)


def secret_content(client: SecretsManagerClient, secret_id: str) -> Any:
    answer = client.get_secret_value(SecretId=secret_id, VersionStage="AWSCURRENT")
    return json.loads(answer["SecretString"])


def test_keys_callers_smoke_and_delete_use_the_configured_stack_and_region(
    checkout: Path, make: Make, stacks: dict[str, SecretsManagerClient]
) -> None:
    (checkout / "samconfig.local.toml").write_text(
        '[default.global.parameters]\nstack_name = "mine"\nregion = "eu-central-1"\n'
    )
    done = [
        make("keys", answers="KIMI_API_KEY=sk-canary\n"),
        make("caller-key", "NAME=alice"),
        make("caller-keys"),
        make("delete", "YES=1"),
    ]
    smoke = make("smoke")

    assert [result.returncode for result in done] == [0] * 4, [at.stderr for at in done]
    assert secret_content(stacks["eu-central-1"], "keys-eu-central-1") == {
        "KIMI_API_KEY": "sk-canary"
    }
    assert list(secret_content(stacks["eu-central-1"], "callers-eu-central-1")["callers"]) == [
        "alice"
    ]
    assert secret_content(stacks["us-west-2"], "keys-us-west-2") == {}
    assert done[2].stdout == "alice\n"
    assert ":eu-central-1:" in done[3].stdout
    assert "--no-prompts" in (checkout / ".aws-sam" / "calls").read_text().splitlines()[-1]
    assert sam_settings(checkout, "delete")["stack_name"] == "mine"
    assert "http://127.0.0.1:1/eu-central-1" in smoke.stdout


def test_the_region_option_overrides_the_configuration(
    make: Make, stacks: dict[str, SecretsManagerClient]
) -> None:
    result = make("keys", "STACK=mine", "REGION=us-west-2", answers="KIMI_API_KEY=sk-canary\n")

    assert result.returncode == 0, result.stderr
    assert secret_content(stacks["us-west-2"], "keys-us-west-2") == {"KIMI_API_KEY": "sk-canary"}
    assert secret_content(stacks["eu-central-1"], "keys-eu-central-1") == {}
