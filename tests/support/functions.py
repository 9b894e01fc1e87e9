"""Call the functions' handlers with Lambda events, and read their responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import chat.app
import providers.app
from chatd.aws_lambda.streaming import Collected
from chatd.config.settings import Settings, load
from chatd.dialects import DIALECTS


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """Invocation context, as from Lambda."""

    aws_request_id: str = "11111111-2222-3333-4444-555555555555"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass(frozen=True, slots=True)
class HttpResult:
    """A parsed proxy response; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    json: Any


def http_event(method: str, path: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    """Return API Gateway's event for a request."""
    return {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"requestId": "r", "stage": "v1", "path": path, "httpMethod": method},
        "body": body,
        "isBase64Encoded": False,
        **more,
    }


def post(body: object, path: str = "/v1/chat", **more: Any) -> HttpResult:
    """POST to the chat function, a text unchanged and other values as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    return _read(chat.app.lambda_handler(http_event("POST", path, text, **more), LambdaContext()))


@dataclass(frozen=True, slots=True)
class Streamed:
    """A parsed streamed response; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> list[str]:
        """Return the data of each event."""
        return [
            line.removeprefix("data: ")
            for line in self.body.decode().split("\n")
            if line.startswith("data: ")
        ]

    @property
    def json(self) -> list[Any]:
        """Return the parsed events, without `[DONE]`."""
        return [json.loads(data) for data in self.data if data != "[DONE]"]


def stream(body: Mapping[str, Any], path: str = "/v1/chat", **more: Any) -> Streamed:
    """POST to the chat function and read its stream to the end."""
    event = http_event("POST", path, json.dumps({**body, "stream": True}), **more)
    live = chat.app.lambda_handler(event, LambdaContext())
    sink = Collected()
    live.write_to(sink)
    headers = {name.lower(): value for name, value in sink.headers.items()}
    return Streamed(sink.status, headers, bytes(sink.body))


def get(path: str, **more: Any) -> HttpResult:
    """GET from the providers function."""
    return _read(providers.app.lambda_handler(http_event("GET", path, **more), LambdaContext()))


def invoke(event: object) -> Any:
    """Invoke the chat function directly."""
    return chat.app.lambda_handler(event, LambdaContext())


def ask(model: str, content: str = "Say hello.", **more: Any) -> dict[str, Any]:
    """Return a request body with one user message."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}


def settings(**environ: str) -> Settings:
    """Return settings without this repository's chatd.toml."""
    return load({"CHATD_CONFIG": "/dev/null", **environ}, DIALECTS)


def _read(result: dict[str, Any]) -> HttpResult:
    headers = {name.lower(): values[0] for name, values in result["multiValueHeaders"].items()}
    return HttpResult(result["statusCode"], headers, json.loads(result["body"]))
