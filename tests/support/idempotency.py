"""Send requests with an idempotency key to the chat function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

import chat.app
from chatd.aws_lambda.streaming import CallerGoneError, Collected
from tests.support.functions import (
    HttpResult,
    LambdaContext,
    Streamed,
    ask,
    http_event,
    post,
    stream,
)

TABLE = "answers"
OPENAI = "/v1/chat/completions"
KEY = "key-CANARY-1d07"
each_surface = pytest.mark.parametrize("path", ["/v1/chat", OPENAI])


def once(body: object, path: str = "/v1/chat", key: str = KEY, **more: Any) -> HttpResult:
    return post(body, path, headers={"idempotency-KEY": key}, **more)


def once_streamed(body: Mapping[str, Any], path: str = "/v1/chat", key: str = KEY) -> Streamed:
    return stream(body, path, headers={"Idempotency-Key": key})


def idempotency_outcome(answer: HttpResult | Streamed) -> str | None:
    return answer.headers.get("x-chatd-idempotency")


def streaming_response() -> Any:
    body = json.dumps(ask("m", stream=True))
    event = http_event("POST", "/v1/chat", body, headers={"Idempotency-Key": KEY})
    return chat.app.lambda_handler(event, LambdaContext())


class CallerThatHangsUp(Collected):
    """Hang up at the piece that holds these bytes."""

    def __init__(self, words: bytes) -> None:
        super().__init__()
        self.words = words

    def write(self, data: bytes) -> None:
        if self.words in data:
            raise CallerGoneError


def break_store(store: str, tmp_path: Path) -> None:
    """Make every read and write of the store fail."""
    if store == "sqlite":
        (tmp_path / "records").write_bytes(b"no database" * 100)
    else:
        boto3.client("dynamodb").delete_table(TableName=TABLE)
