"""Test the runtime in the SAM CLI's Runtime Interface Emulator, without a container."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import urllib3

from tests.runtime.conftest import COMMAND, ROOT, environment, http_event
from tests.runtime.fake_runtime_api import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

_ARCHITECTURE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "none")
_PATH = "/2015-03-31/functions/function/invocations"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[urllib3.HTTPConnectionPool]:
    """Start the emulator with the runtime, and return an HTTP client."""
    found = list(ROOT.glob(f".venv-sam/lib/*/site-packages/samcli/local/rapid/*-{_ARCHITECTURE}"))
    if not found:
        pytest.fail("the SAM CLI is not installed; run: make .venv-sam/sam.stamp")
    port = _free_port()
    options = (
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{_free_port()}"),
    )
    variables = environment(AWS_LAMBDA_FUNCTION_TIMEOUT="60")
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [found[0], *options, *COMMAND, "scripted.lambda_handler"],
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        # The emulator listens shortly after its start, so a refused connection is retried.
        retries = urllib3.Retry(connect=10, read=0, backoff_factor=0.1)
        with urllib3.HTTPConnectionPool("127.0.0.1", port, retries=retries) as pool:
            yield pool
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)


def test_streamed_and_plain_responses_alternate_200_times(
    emulator: urllib3.HTTPConnectionPool,
) -> None:
    prelude = b'{"statusCode":200,"headers":{"Content-Type":"text/event-stream"}}' + bytes(8)
    pids = set()
    for number in range(100):
        pieces = [f"é{number}", "\n\n", "[DONE]"]
        streamed = emulator.request("POST", _PATH, json=http_event("stream", pieces=pieces))
        plain = emulator.request("POST", _PATH, json={"do": "echo", "text": f"é{number}"}).json()
        pids.add(plain["pid"])

        assert streamed.data == prelude + "".join(pieces).encode()
        assert plain["text"] == f"é{number}"

    assert len(pids) == 1


def test_an_exception_does_not_affect_the_next_invocation(
    emulator: urllib3.HTTPConnectionPool,
) -> None:
    for do in ("fail_before", "fail_after"):
        emulator.request("POST", _PATH, json=http_event(do))
        plain = emulator.request("POST", _PATH, json={"do": "echo", "text": do}).json()

        assert plain["text"] == do
