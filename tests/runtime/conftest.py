"""Start the chat function's runtime as Lambda does, with a handler of the tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.fake_runtime_api import PATIENCE, Post, RuntimeApi

ROOT = Path(__file__).resolve().parents[2]
CODE = Path(__file__).with_name("code")
HANDLER = "scripted.lambda_handler"
# Lambda's command for a function with a wrapper script.
COMMAND = (str(ROOT / "functions/chatd/bootstrap"), sys.executable, "/var/runtime/bootstrap.py")


def environment(**more: str) -> dict[str, str]:
    return {
        **os.environ,
        "LAMBDA_TASK_ROOT": str(ROOT / "functions"),
        "PYTHONPATH": str(CODE),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "_HANDLER": HANDLER,
        **more,
    }


def http_event(do: str, **more: Any) -> dict[str, Any]:
    body = json.dumps({"do": do, **more})
    return {"httpMethod": "POST", "requestContext": {}, "resource": "/v1/chat", "body": body}


@dataclass
class Function:
    """Control a running function and the fake Runtime API."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    output: Path
    number: int = 0

    @property
    def log(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def invoke(self, event: dict[str, Any]) -> Post:
        self.number += 1
        return self.api.invoke(f"request-{self.number}", json.dumps(event).encode())

    def http(self, do: str, **more: Any) -> Post:
        return self.invoke(http_event(do, **more))

    def direct(self, do: str, **more: Any) -> Post:
        return self.invoke({"do": do, **more})

    def still_serves(self) -> bool:
        """Return whether the next invocation succeeds."""
        return bool(json.loads(body(self.direct("echo", text="here")))["text"] == "here")


def body(post: Post) -> bytes:
    return b"".join(post.remaining_chunks())


Start = Callable[..., Function]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start functions that exit by themselves at the end of a test, so that coverage is saved."""
    with ExitStack() as stack:

        def start_function(processes: int = 1, **variables: str) -> Function:
            api = RuntimeApi()
            stack.enter_context(api.running())
            output = tmp_path / "output"
            with output.open("wb") as file:
                process = subprocess.Popen(
                    COMMAND,
                    env=environment(AWS_LAMBDA_RUNTIME_API=api.address, **variables),
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            stack.callback(process.wait, PATIENCE)
            for _ in range(processes):
                stack.callback(api.events.put, ("exit", b'{"do": "exit_process"}'))
            return Function(api, process, output)

        yield start_function


SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


@pytest.fixture
def function(start: Start) -> Function:
    return start()


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """Listen for connections of a handler."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(PATIENCE)
        yield sock
