"""Skip tests without a Docker engine, and provide the Lambda image and a Secrets Manager."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import hypothesis
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# No deadline per example: examples are slow on a busy machine.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")

LAMBDA_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


def _no_docker() -> str | None:
    """Return why tests in containers cannot run, or None."""
    try:
        engine = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no Docker engine ({type(error).__name__})"
    if engine.returncode:
        return "the Docker engine does not respond"
    image = subprocess.run(
        ["docker", "image", "inspect", LAMBDA_IMAGE], capture_output=True, check=False
    )
    return f"the image is missing: docker pull {LAMBDA_IMAGE}" if image.returncode else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("docker")]
    if not marked or os.environ.get("CHATD_REQUIRE_DOCKER") == "1":
        return
    if reason := _no_docker():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=f"{reason} (CHATD_REQUIRE_DOCKER=1 insists)"))


@pytest.fixture(scope="session")
def lambda_image() -> str:
    """Return the Lambda runtime's image; tests with this fixture have the mark `docker`."""
    if reason := _no_docker():
        pytest.fail(reason)
    return LAMBDA_IMAGE


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    # On all interfaces, for containers of the end-to-end tests.
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def secrets_manager(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManagerClient]:
    """Yield a client of an empty Secrets Manager, to which the environment points boto3, too."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": _moto,
        "AWS_ENDPOINT_URL_CLOUDFORMATION": _moto,
        "CHATD_BEDROCK_ACCESS": "off",  # moto's credentials are of no account
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
    client.close()
