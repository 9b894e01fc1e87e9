"""Stream chats from the chat function, and read the caller's stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

import chat.app
from tests.support.functions import LambdaContext, Streamed, http_event

OPENAI = "/v1/chat/completions"
MODELS = ["llama3.2", "ollama_cloud/gpt-oss", "openrouter/v/m", "opencode/grok", "kimi/k3"]
each_model = pytest.mark.parametrize("model", MODELS)


def text_of(streamed: Streamed) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for chunk in streamed.json
        for choice in chunk["choices"]
    )


class StepSink:
    """Keep each piece, and signal its arrival."""

    def __init__(self) -> None:
        self.status = 0
        self.pieces: list[bytes] = []
        self.arrived = threading.Semaphore(0)

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        self.status = status

    def write(self, data: bytes) -> None:
        self.pieces.append(data)
        self.arrived.release()


def streaming_response(body: dict[str, Any], path: str = OPENAI) -> Any:
    event = http_event("POST", path, json.dumps({**body, "stream": True}))
    return chat.app.lambda_handler(event, LambdaContext())


def start_stream(body: dict[str, Any], sink: Any) -> threading.Thread:
    thread = threading.Thread(target=streaming_response(body).write_to, args=(sink,))
    thread.start()
    return thread
