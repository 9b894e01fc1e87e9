"""What tests of every folder need: a Docker engine or a reason, and a stand-in Secrets Manager.

It knows nothing of the gateway.
"""

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

# A busy machine makes an example slow, not wrong: what a test bounds, it counts by itself.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")

LAMBDA_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


def _no_docker() -> str | None:
    """Why tests in containers cannot run, or None if they can."""
    try:
        engine = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no Docker engine ({type(error).__name__})"
    if engine.returncode:
        return "no Docker engine answers"
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
    """The Lambda runtime's image; a test that asks for it is marked `docker`."""
    if reason := _no_docker():
        pytest.fail(reason)
    return LAMBDA_IMAGE


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    # Not on loopback alone: containers of the end-to-end tests ask it too.
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def secrets_manager(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManagerClient]:
    """A client of an empty Secrets Manager; the environment leads boto3 there as well."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": _moto,
        "AWS_ENDPOINT_URL_CLOUDFORMATION": _moto,
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("secretsmanager")
    yield client
    for secret in client.list_secrets()["SecretList"]:
        client.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
    client.close()
