"""The chat function's runtime as Lambda starts it: its bootstrap, round a handler of the tests'."""

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
# As Lambda starts a function that has a wrapper.
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
    """A running function, and the Runtime API that it asks."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    output: Path
    number: int = 0

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def invoke(self, event: dict[str, Any]) -> Post:
        self.number += 1
        return self.api.invoke(f"request-{self.number}", json.dumps(event).encode())

    def http(self, do: str, **more: Any) -> Post:
        return self.invoke(http_event(do, **more))

    def direct(self, do: str, **more: Any) -> Post:
        return self.invoke({"do": do, **more})

    def still_serves(self) -> bool:
        """Whether the next invocation is served as if nothing had been."""
        return bool(json.loads(body(self.direct("echo", say="here")))["said"] == "here")


def body(post: Post) -> bytes:
    return b"".join(post.rest())


Start = Callable[..., Function]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts functions, which end with the test by themselves, as coverage wants it."""
    with ExitStack() as stack:

        def begin(processes: int = 1, **variables: str) -> Function:
            api = RuntimeApi()
            stack.enter_context(api.serving())
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
                stack.callback(api.events.put, ("the-last", b'{"do": "leave"}'))
            return Function(api, process, output)

        yield begin


SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


@pytest.fixture
def function(start: Start) -> Function:
    return start()


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """Where handlers meet the test."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(PATIENCE)
        yield sock
