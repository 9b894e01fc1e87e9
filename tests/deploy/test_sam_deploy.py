"""Test a deployment of a fresh checkout with the real SAM CLI against moto.

moto supports neither the SAM transform nor the uploaded template, so each deployment fails after
the CLI printed its values and uploaded the code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
PATIENCE = 900


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    """Return environment variables for AWS clients of a moto server with SAM's bucket."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    s3, cloudformation = (
        boto3.client(
            service,
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for service in ("s3", "cloudformation")
    )
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION})
    managed = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"SourceBucket": {"Value": "artifacts"}},
    }
    # The stack that `sam deploy` creates with resolve_s3; moto drops the outputs of a change set.
    cloudformation.create_stack(
        StackName="aws-sam-cli-managed-default",
        TemplateBody=json.dumps(managed),
        Tags=[{"Key": "ManagedStackSource", "Value": "AwsSamCli"}],
    )
    yield {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    server.stop()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkout to a path with a space, with links to the environments."""
    root = tmp_path_factory.mktemp("fresh") / "a b" / "chatd"
    root.mkdir(parents=True)
    for name in ("Makefile", "samconfig.toml", "template.yaml", "chatd.toml"):
        shutil.copy(ROOT / name, root / name)
    unbuilt = shutil.ignore_patterns("__pycache__")
    for name in (
        "bench",
        "deploy",
        "docs",
        "facts",
        "functions",
        "layers",
        "local",
        "requirements",
    ):
        shutil.copytree(ROOT / name, root / name, ignore=unbuilt)
    for name in (".venv", ".venv-sam", "tests"):
        (root / name).symlink_to(ROOT / name)
    if (ROOT / ".aws-sam" / "layers").is_dir():  # avoids a second download of the wheels
        shutil.copytree(ROOT / ".aws-sam" / "layers", root / ".aws-sam" / "layers")
    return root


def make(checkout: Path, aws: dict[str, str], *arguments: str, answers: str = "") -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "PARAMS", "MAKEFLAGS")
    }
    done = subprocess.run(
        [
            *("make", "--assume-old=.venv/run.stamp", "--assume-old=.venv/aws.stamp"),
            "--assume-old=.venv-sam/sam.stamp",
            *arguments,
        ],
        cwd=checkout,
        env={**environment, **aws},
        input=answers,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def deployed_values(output: str) -> dict[str, str]:
    """Parse the values that the SAM CLI prints before a deployment."""
    listed = output.partition("Deploying with following values")[2].partition("Initiating")[0]
    pairs = (line.partition(":") for line in listed.splitlines() if " : " in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_guided_deploys_its_build_and_the_next_deployment_is_equal(
    checkout: Path, aws: dict[str, str]
) -> None:
    answers = "\n".join(["mine", REGION, "", "x86_64", *[""] * 30])

    guided = make(checkout, aws, "deploy", "GUIDED=1", "YES=1", answers=answers)
    libraries = {path.name for path in (checkout / ".aws-sam" / "build").rglob("*.so")}
    again = make(checkout, aws, "deploy", "YES=1")

    assert "Deploying with following values" in guided, guided[-3000:]
    assert deployed_values(guided) == deployed_values(again), guided + again
    assert deployed_values(guided)["Stack name"] == "mine"
    assert deployed_values(guided)["Region"] == REGION
    assert deployed_values(guided)["Confirm changeset"] == "False"
    assert json.loads(deployed_values(guided)["Parameter overrides"]) == {"Architecture": "x86_64"}
    assert "Uploading to mine/" in guided
    assert len(libraries) > 0
    assert all("x86_64" in name for name in libraries)
    for output in (guided, again):
        # moto fails here.
        assert "Failed to create changeset for the stack: mine" in output
        assert "All code is compiled for Lambda's Python 3.13." in output or "WARNING" in output


def test_another_environment_ignores_the_guided_answers(
    checkout: Path, aws: dict[str, str]
) -> None:
    output = make(checkout, aws, "deploy", "ENV=prod", "YES=1", f"REGION={REGION}")

    assert deployed_values(output)["Stack name"] == "chatd-prod"
    assert json.loads(deployed_values(output)["Parameter overrides"]) == {
        "Architecture": "arm64",
        "LogRetentionDays": "90",
    }
    assert all("aarch64" in path.name for path in (checkout / ".aws-sam" / "build").rglob("*.so"))


def test_delete_removes_the_stack_and_names_the_retained_secrets(
    checkout: Path, aws: dict[str, str]
) -> None:
    cloudformation = boto3.client(
        "cloudformation",
        region_name=REGION,
        endpoint_url=aws["AWS_ENDPOINT_URL"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    secrets = ("ProviderSecretArn", "CallersSecretArn")
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": f"arn:{name}"} for name in secrets},
    }
    for stack in ("chatd-dev", "chatd-prod"):
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(template))

    output = make(checkout, aws, "delete", "ENV=dev", "YES=1", f"REGION={REGION}")

    stacks = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    assert "chatd-dev" not in stacks, output
    assert "chatd-prod" in stacks
    for name in secrets:
        assert f"aws secretsmanager delete-secret --secret-id arn:{name}" in output
