"""Run the functions in containers with the SAM CLI, against servers on this host."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chatd.access.caller_keys import Callers
from tests.e2e.sam_cli import (
    CALLER_KEY,
    MODEL,
    ORIGIN,
    PROVIDER_KEY,
    REGION,
    ROOT,
    Api,
    Sam,
    environment,
)
from tests.support import answers
from tests.support.upstream import Received, Upstream, reply, upstream

_READY_SECONDS = 90
_STOP_SECONDS = 120


@pytest.fixture(scope="session")
def host(lambda_image: str) -> str:
    """Return the address of this host in a container."""
    hosts = subprocess.run(
        [
            *("docker", "run", "--rm", "--add-host", "this-host:host-gateway"),
            *("--entrypoint", "/bin/cat", lambda_image, "/etc/hosts"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return next(line.split()[0] for line in hosts.stdout.splitlines() if line.endswith("this-host"))


def _answer(connection: socket.socket, received: Received) -> None:
    """Answer for one Ollama model and for every OpenRouter model."""
    if received.path == "/api/tags":
        reply({"models": [{"name": MODEL}]})(connection, received)
    elif received.path.endswith("/models"):
        reply({"data": [{"id": "vendor/model"}]})(connection, received)
    elif received.path == "/api/chat" and received.json["model"] != MODEL:
        reply({"error": f"model '{received.json['model']}' not found"}, 404)(connection, received)
    else:
        reply(answers.for_path(received.path))(connection, received)


@pytest.fixture(scope="session")
def _provider() -> Iterator[Upstream]:
    with upstream(_answer, host="0.0.0.0") as provider:
        yield provider


@pytest.fixture
def provider(_provider: Upstream) -> Upstream:
    """Serve Ollama and OpenRouter, with no recorded requests."""
    _provider.received.clear()
    return _provider


@pytest.fixture(scope="session")
def secrets(host: str) -> Iterator[str]:
    """Run moto with both secrets; return the URL for a container."""
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client = boto3.client(
        "secretsmanager",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name=REGION,
    )
    callers = Callers.of_keys([CALLER_KEY])
    for name, value in {
        "chatd/providers": {"OPENROUTER_API_KEY": PROVIDER_KEY},
        "chatd/callers": {
            "pepper": callers.pepper.get_secret_value(),
            "callers": dict(callers.digests),
        },
    }.items():
        client.create_secret(Name=name, SecretString=json.dumps(value))
    client.close()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def sam(
    host: str, _provider: Upstream, secrets: str, tmp_path_factory: pytest.TempPathFactory
) -> Sam:
    """Build the functions for containers, and return the SAM CLI."""
    folder = tmp_path_factory.mktemp("sam")
    build = subprocess.run(
        [
            *(ROOT / ".venv-sam/bin/sam", "build", "--build-dir", folder / "build"),
            *("--parameter-overrides", "Architecture=x86_64"),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert build.returncode == 0, build.stderr

    variables = folder / "variables.json"
    address = f"http://{host}:{_provider.port}"
    variables.write_text(
        json.dumps(
            {
                "Parameters": {
                    "OLLAMA_URL": address,
                    "OPENROUTER_BASE_URL": f"{address}/v1",
                    "AWS_ENDPOINT_URL_SECRETS_MANAGER": secrets,
                    "CHATD_SECRET_ID": "chatd/providers",
                    "CHATD_CALLERS_SECRET_ID": "chatd/callers",
                    "CHATD_CORS_ORIGINS": f"https://other.example.com,{ORIGIN}",
                }
            }
        )
    )
    return Sam(folder / "build" / "template.yaml", variables)


@pytest.fixture(scope="session")
def api(sam: Sam, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Run `sam local start-api` with warm containers."""
    log = tmp_path_factory.mktemp("api") / "log"
    with _started(
        lambda port: sam.command(
            *("start-api", "--warm-containers", "LAZY", "--port", str(port)),
            *("--host", "127.0.0.1"),
        ),
        log,
    ) as port:
        yield Api(f"http://127.0.0.1:{port}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a child process receive SIGINT, which a shell's background job ignores and inherits."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _started(command: Callable[[int], list[str]], log: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    with log.open("w") as output, _interruptible():
        process = subprocess.Popen(
            command(port), cwd=ROOT, env=environment(), stdout=output, stderr=output
        )
    try:
        _wait_for(port, process, log)
        yield port
    finally:
        process.send_signal(signal.SIGINT)  # start-api removes its containers
        try:
            process.wait(_STOP_SECONDS)
        finally:
            process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        if re.search(rf"Running on http://127\.0\.0\.1:{port}", log.read_text()):
            return
        time.sleep(0.1)
    pytest.fail(f"start-api did not start in {_READY_SECONDS} s:\n{log.read_text()}")
