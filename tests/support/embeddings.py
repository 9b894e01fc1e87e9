"""Request embeddings, and respond as providers of OpenAI's dialect do."""

from __future__ import annotations

import base64
import json
import socket
import struct
from typing import Any

import chat.app
from chatd.aws_lambda.streaming import Collected
from tests.support.functions import HttpResult, LambdaContext, http_event, post
from tests.support.upstream import Received, reply

PATH = "/v1/embeddings"
OPENAI = "openai/text-embedding-3-small"


def embed(model: str, given: object, **more: Any) -> HttpResult:
    """POST a request for embeddings."""
    return post({"model": model, "input": given, **more}, PATH)


def embed_large(model: str, given: object, **more: Any) -> tuple[int, Any]:
    """POST a request with a streamed answer; return the status and the body."""
    body = json.dumps({"model": model, "input": given, **more})
    sink = Collected()
    chat.app.lambda_handler(http_event("POST", PATH, body), LambdaContext()).write_to(sink)
    assert sink.headers["Content-Type"] == "application/json"
    return sink.status, json.loads(bytes(sink.body))


def listed(*vectors: object, tokens: int = 5, **more: Any) -> dict[str, Any]:
    """Return an answer of OpenAI's dialect."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": "m-1", "usage": usage, **more}


def texts(count: int) -> list[str]:
    """Return so many texts, each with its number."""
    return [f"text {number}" for number in range(count)]


def numbered(count: int) -> list[list[float]]:
    """Return the vectors of `texts`."""
    return [[float(number), 0.5] for number in range(count)]


def vectors_of(body: Any) -> list[Any]:
    """Return the vectors of an answer, in its order."""
    assert [item["index"] for item in body["data"]] == list(range(len(body["data"])))
    return [item["embedding"] for item in body["data"]]


def by_number(connection: socket.socket, received: Received) -> None:
    """Answer each of `texts` with the vector of its number, and one token a text."""
    given = received.json["input"]
    given = [given] if isinstance(given, str) else given
    numbers = [int(text.rpartition(" ")[2]) for text in given]
    body = listed(*([float(number), 0.5] for number in numbers), tokens=len(given))
    reply(body)(connection, received)


def packed(*numbers: float) -> str:
    """Write a vector as base64 of little-endian float32 numbers."""
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
