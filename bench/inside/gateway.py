"""The chat function as Lambda calls it, in this process: events in, answers out.

It knows how a handler is called, and nothing of what is measured.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

SURFACES = {"native": "/v1/chat", "openai": "/v1/chat/completions"}
# A provider for each dialect: what a caller writes before the model's name, and the variable that
# says where it is.
DIALECTS = {
    "ollama_chat": ("ollama/", "OLLAMA_URL"),
    "ollama_generate": ("ollama_cloud/", "OLLAMA_CLOUD_BASE_URL"),
    "openai_chat": ("openrouter/", "OPENROUTER_BASE_URL"),
}
KEY = "sk-none-of-anybodys"
_PLACES = {
    "OLLAMA_URL": "",
    "OLLAMA_CLOUD_BASE_URL": "",
    "OPENROUTER_BASE_URL": "/api/v1",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda gives a handler."""

    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        """Half a minute, whenever it is asked."""
        return 30_000


@dataclass(slots=True)
class Sink:
    """Takes a stream and keeps only what is measured of it.

    Attributes:
        first: When the first byte of the body came, in nanoseconds.
        writes: How many pieces came.
        size: How many bytes.

    """

    status: int = 0
    first: int = 0
    writes: int = 0
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the status."""
        self.status, self.headers = status, headers

    def write(self, data: bytes) -> None:
        """Count a piece."""
        if not self.first:
            self.first = perf_counter_ns()
        self.writes += 1
        self.size += len(data)


def environment(url: str) -> dict[str, str]:
    """The variables that lead every provider to one upstream, with a key for each."""
    return {
        **{name: url + path for name, path in _PLACES.items()},
        "OLLAMA_API_KEY": KEY,
        "OPENROUTER_API_KEY": KEY,
        "CHATD_CONFIG": os.devnull,
    }


def settle(url: str) -> Callable[[Any, Any], Any]:
    """Import the chat function, with every provider at `url`; its handler.

    From here on standard output leads nowhere: the log would otherwise be part of the report.
    """
    os.environ.update(environment(url))
    mute()
    from chat.app import lambda_handler  # noqa: PLC0415  # the environment comes first

    return lambda_handler


_spoken: list[int] = []


def mute() -> None:
    """Keep standard output for the report alone."""
    if not _spoken:
        _spoken.append(os.dup(1))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def report(value: Any) -> None:
    """Tell the bench what was measured, as the last line of standard output."""
    line = json.dumps(value).encode() + b"\n"
    out = _spoken[0] if _spoken else sys.stdout.fileno()
    while line:
        line = line[os.write(out, line) :]


def event(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """An event as API Gateway makes it for a POST."""
    return {
        "httpMethod": "POST",
        "path": path,
        "resource": path,
        "headers": {"Content-Type": "application/json", "User-Agent": "bench"},
        "multiValueHeaders": {"Content-Type": ["application/json"], "User-Agent": ["bench"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "stage": "live",
            "path": f"/live{path}",
            "httpMethod": "POST",
            "requestTimeEpoch": 1795348800000,
        },
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def ask(dialect: str, model: str, content: str = "Why is the sky blue?", **more: Any) -> Any:
    """A request's body: one user turn, to the provider of that dialect."""
    messages = [{"role": "user", "content": content}]
    return {"model": DIALECTS[dialect][0] + model, "messages": messages, **more}
