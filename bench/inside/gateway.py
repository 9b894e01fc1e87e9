"""Call the chat function's handler in this process, with API Gateway's events."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

SURFACES = {
    "native": "/v1/chat",
    "openai": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
}
# A provider for each dialect: its prefix of model names, and the variable with its URL.
DIALECTS = {
    "ollama_chat": ("ollama/", "OLLAMA_URL"),
    "ollama_generate": ("ollama_cloud/", "OLLAMA_CLOUD_BASE_URL"),
    "openai_chat": ("openrouter/", "OPENROUTER_BASE_URL"),
    "anthropic_messages": ("anthropic/", "ANTHROPIC_BASE_URL"),
    "openai_responses": ("openai/gpt-5-pro-", "OPENAI_BASE_URL"),
    "bedrock_converse": ("bedrock/", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),  # with signed requests
}
KEY = "sk-none-of-anybodys"
_PATHS = {
    "OLLAMA_URL": "",
    "OLLAMA_CLOUD_BASE_URL": "",
    "OPENROUTER_BASE_URL": "/api/v1",
    "ANTHROPIC_BASE_URL": "/v1",
    "OPENAI_BASE_URL": "/v1",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "",
}


@dataclass(frozen=True, slots=True)
class Context:
    """Invocation context, as from Lambda."""

    aws_request_id: str = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        """Return 30 s in ms, in every call."""
        return 30_000


@dataclass(slots=True)
class Sink:
    """Measure a streamed response.

    Attributes:
        first: Time of the body's first byte, in nanoseconds.
        writes: Number of writes.
        size: Number of bytes.

    """

    status: int = 0
    first: int = 0
    writes: int = 0
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the status and headers."""
        self.status, self.headers = status, headers

    def write(self, data: bytes) -> None:
        """Count a write and its bytes."""
        if not self.first:
            self.first = perf_counter_ns()
        self.writes += 1
        self.size += len(data)


def environment(url: str) -> dict[str, str]:
    """Return the variables that point every provider to one upstream, with a key for each."""
    return {
        **{name: url + path for name, path in _PATHS.items()},
        "OLLAMA_API_KEY": KEY,
        "OPENROUTER_API_KEY": KEY,
        "ANTHROPIC_API_KEY": KEY,
        "OPENAI_API_KEY": KEY,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_REGION": "us-east-1",
        "CHATD_CONFIG": os.devnull,
    }


def load_handler(url: str) -> Callable[[Any, Any], Any]:
    """Import the chat function with every provider at `url`; return the handler.

    Standard output is discarded from here on: otherwise the log would mix with the report.
    """
    os.environ.update(environment(url))
    discard_output()
    from chat.app import lambda_handler  # noqa: PLC0415  # the environment comes first

    return lambda_handler


_report_output: list[int] = []


def discard_output() -> None:
    """Discard standard output, except the report."""
    if not _report_output:
        _report_output.append(os.dup(1))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)


def report(value: Any) -> None:
    """Write a result as one line of JSON to standard output, for `bench.target`."""
    line = json.dumps(value).encode() + b"\n"
    out = _report_output[0] if _report_output else sys.stdout.fileno()
    while line:
        line = line[os.write(out, line) :]


def event(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return API Gateway's event for a POST."""
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


def chat_body(dialect: str, model: str, content: str = "Why is the sky blue?", **more: Any) -> Any:
    """Return a request body with one user turn, for the dialect's provider."""
    messages = [{"role": "user", "content": content}]
    return {"model": DIALECTS[dialect][0] + model, "messages": messages, **more}


def body_of(surface: str, dialect: str, model: str, **more: Any) -> Any:
    """Return the same request in a surface's API."""
    body = chat_body(dialect, model, **more)
    if surface == "messages":
        return {**body, "max_tokens": 1000}
    if surface == "responses":
        return {"input": body.pop("messages"), "store": False, **body}
    return body
