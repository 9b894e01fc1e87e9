"""The real SAM CLI builds and deploys a fresh checkout, as far as a stand-in for AWS takes it.

moto has no transform, and cannot read the template from where SAM puts it; so a deployment ends
with that, after the CLI has said what it deploys and uploaded it.
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
    """The environment that leads the AWS SDK to a stand-in with SAM's bucket."""
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
    # As `sam deploy` makes it with resolve_s3; moto forgets the outputs of a change set.
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
    """A fresh checkout at a path with a space, with the environments of this one."""
    root = tmp_path_factory.mktemp("fresh") / "a b" / "chatd"
    root.mkdir(parents=True)
    for name in ("Makefile", "samconfig.toml", "template.yaml", "chatd.toml"):
        shutil.copy(ROOT / name, root / name)
    unbuilt = shutil.ignore_patterns("__pycache__")
    for name in ("bench", "deploy", "docs", "functions", "layers", "local", "requirements"):
        shutil.copytree(ROOT / name, root / name, ignore=unbuilt)
    for name in (".venv", ".venv-sam", "tests"):
        (root / name).symlink_to(ROOT / name)
    if (ROOT / ".aws-sam" / "layers").is_dir():  # otherwise the wheels are fetched again
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


def said(output: str) -> dict[str, str]:
    """What the SAM CLI says that it deploys."""
    listed = output.partition("Deploying with following values")[2].partition("Initiating")[0]
    pairs = (line.partition(":") for line in listed.splitlines() if " : " in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_guided_deploys_what_it_built_and_the_next_deployment_is_the_same(
    checkout: Path, aws: dict[str, str]
) -> None:
    answers = "\n".join(["mine", REGION, "", "x86_64", *[""] * 30])

    guided = make(checkout, aws, "deploy", "GUIDED=1", "YES=1", answers=answers)
    libraries = {path.name for path in (checkout / ".aws-sam" / "build").rglob("*.so")}
    again = make(checkout, aws, "deploy", "YES=1")

    assert "Deploying with following values" in guided, guided[-3000:]
    assert said(guided) == said(again), guided + again
    assert said(guided)["Stack name"] == "mine"
    assert said(guided)["Region"] == REGION
    assert said(guided)["Confirm changeset"] == "False"
    assert json.loads(said(guided)["Parameter overrides"]) == {"Architecture": "x86_64"}
    assert "Uploading to mine/" in guided
    assert len(libraries) > 0
    assert all("x86_64" in name for name in libraries)
    for output in (guided, again):
        # As far as moto goes.
        assert "Failed to create changeset for the stack: mine" in output
        assert "All code is compiled for Lambda's Python 3.13." in output or "WARNING" in output


def test_another_environment_is_not_the_guided_one(checkout: Path, aws: dict[str, str]) -> None:
    output = make(checkout, aws, "deploy", "ENV=prod", "YES=1", f"REGION={REGION}")

    assert said(output)["Stack name"] == "chatd-prod"
    assert json.loads(said(output)["Parameter overrides"]) == {
        "Architecture": "arm64",
        "LogRetentionDays": "90",
    }
    assert all("aarch64" in path.name for path in (checkout / ".aws-sam" / "build").rglob("*.so"))


def test_delete_removes_the_stack_and_names_the_secrets_that_stay(
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
