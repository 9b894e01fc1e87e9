"""After any fault of a tier's first model, the next model's answer is complete."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import (
    Received,
    Script,
    Upstream,
    chunked,
    head,
    raw,
    reply,
    reset,
    then_close,
    upstream,
)

OPENAI = "/v1/chat/completions"
TEXTS = (f"text {number}" for number in count())
MB = 1024 * 1024
# Python has no names for 520 and other statuses of proxies.
STATUSES = (
    *(300, 301, 307, 401, 402, 403, 404, 405, 408, 409, 410, 413, 415, 425, 429, 451),
    *(500, 501, 502, 503, 504, 507, 520, 522, 524, 529, 530, 599),
)


def refusal(status: int) -> Script:
    body = json.dumps({"error": {"message": "x", "type": "y"}}).encode()
    lines = f"HTTP/1.1 {status} Odd\r\nContent-Type: application/json\r\n"
    return raw(f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def events(*values: Any) -> Script:
    """Send an OpenAI stream with these events, each JSON or raw bytes."""
    pieces = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    return chunked([b"data: %b\n\n" % piece for piece in pieces])


def delta(finish_reason: str | None = None, **fields: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


FAULTS: dict[str, Script] = {
    **{str(status): refusal(status) for status in STATUSES},
    "429 and a wait until 2099": reply({}, 429, {"Retry-After": "Sun, 01 Nov 2099 12:00:00 GMT"}),
    "429 and a wait of 400 digits": reply({}, 429, {"Retry-After": "9" * 400}),
    "429 and milliseconds of 400 digits": reply({}, 429, {"Retry-After-Ms": "9" * 400}),
    "a context error": reply({"error": {"message": "x", "code": "context_length_exceeded"}}, 400),
    "nothing": raw(head(204, {})),
    "an empty body": reply(b""),
    "HTML": reply(b"<html>", headers={"Content-Type": "text/html"}),
    "an object": reply({}),
    "a list": reply([]),
    "null": reply(None),
    "no choice": reply({"choices": []}),
    "null choices": reply({"choices": None}),
    "an empty choice": reply({"choices": [{}]}),
    "half a body": reply(b'{"choices": [{"message": {"role": "assis'),
    "an error": reply({"error": {"message": "x", "code": 500}}),
    "an error of words": reply({"error": "x"}),
    "no gzip": reply(b"x", headers={"Content-Encoding": "gzip"}),
    "no UTF-8": reply(b"\xff\xfe\xfa"),
    "no HTTP": then_close(raw(b"SSH-2.0-OpenSSH_9\r\n")),
    "a closed connection": then_close(raw(b"")),
    "a reset": reset,
    "no chunk": then_close(raw(head(200, {"Transfer-Encoding": "chunked"}) + b"Z\r\n")),
    "a long header": then_close(raw(head(200, {"X": "x" * 200_000}))),
    "a thousand headers": then_close(raw(head(200, {f"X{n}": "x" for n in range(1000)}))),
    "less than it promises": then_close(raw(head(200, {"Content-Length": "1000"}) + b"{}")),
    "a length below 0": then_close(raw(head(200, {"Content-Length": "-5"}) + b"{}")),
    "21 MB": reply(b"x" * 21 * MB),
    "an event of 21 MB": chunked([b"data: ", *[b"x" * MB] * 21]),
    "no event": events(),
    "an end alone": events(b"[DONE]"),
    "an error event": events({"error": {"message": "x", "code": 502}}),
    "a role and no end": events(delta(role="assistant")),
    "a malformed event": events(b"{{{"),
    "a word and an error": events(delta(content="Hel"), delta("error"), b"[DONE]"),
    "a word and no end": events(delta(content="Hel")),
}


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch, config: Path, keys: str) -> Iterator[Upstream]:
    """Serve Kimi, the first model of the tier `fast`; OpenRouter, the second, works."""
    config.write_text('[tiers]\nfast = ["kimi/a", "openrouter/v/m"]')

    def working(connection: socket.socket, received: Received) -> None:
        if received.json.get("stream"):
            chunked(answers.stream_for_path(received.path))(connection, received)
        else:
            reply(answers.for_path(received.path))(connection, received)

    with upstream(working) as one, upstream(working) as two:
        monkeypatch.setenv("KIMI_BASE_URL", one.url)
        monkeypatch.setenv("OPENROUTER_BASE_URL", two.url)
        yield one


@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_model_answers_after_each_fault(first: Upstream, fault: str) -> None:
    first.script = FAULTS[fault]

    whole = post(ask("fast", next(TEXTS)), OPENAI)
    streamed = stream(ask("fast", next(TEXTS)), OPENAI)

    assert (whole.status, streamed.status) == (200, 200)
    assert whole.json["choices"][0]["message"]["content"] == "Hello!"
    deltas = [event["choices"][0]["delta"] for event in streamed.json if event["choices"]]
    assert "".join(fields.get("content") or "" for fields in deltas) == "Hello!"
    assert streamed.data[-1] == "[DONE]"
    assert len(first.received) > 0


def test_an_answer_over_20_mb_does_not_fall_back(
    first: Upstream,
) -> None:
    word = b"data: %b\n\n" % json.dumps(delta(content="x" * MB)).encode()
    first.script = chunked([word] * 21)

    whole = post(ask("fast", next(TEXTS)), OPENAI)
    streamed = stream(ask("fast", next(TEXTS)), OPENAI)

    assert (whole.status, whole.json["error"]["code"]) == (502, "answer_too_large")
    assert whole.json["error"]["provider"] == "kimi"
    assert streamed.json[-1]["error"]["code"] == "answer_too_large"


@pytest.mark.parametrize("status", [400, 422])
def test_a_caller_error_is_400_and_does_not_fall_back(first: Upstream, status: int) -> None:
    first.script = refusal(status)

    assert post(ask("fast", next(TEXTS)), OPENAI).status == 400
    assert stream(ask("fast", next(TEXTS)), OPENAI).status == 400
