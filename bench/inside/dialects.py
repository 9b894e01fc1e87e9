"""Make the bench upstream's responses as bytes, in each dialect."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

OLLAMA, GENERATE, OPENAI = "/api/chat", "/api/generate", "/chat/completions"
_WORDS = "The quick brown fox jumps over the lazy dog. "


def endpoint(path: str) -> str:
    """Return the end of a request's path that identifies the dialect."""
    return next((end for end in (OLLAMA, GENERATE, OPENAI) if path.endswith(end)), path)


@cache
def whole(end: str, characters: int) -> bytes:
    """Return a whole response.

    Args:
        end: The dialect's path, from `endpoint`.
        characters: Length of the text.

    """
    text = (_WORDS * (characters // len(_WORDS) + 1))[:characters]
    return response(200, _json(_completion(end, text)))


@cache
def streamed(end: str, chunks: int) -> tuple[bytes, ...]:
    """Return a streamed response: the head, one HTTP chunk per event, and the end."""
    kind = "text/event-stream" if end == OPENAI else "application/x-ndjson"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    events = _openai_events(chunks) if end == OPENAI else _ollama_events(end, chunks)
    return (head.encode(), *(_chunk(event) for event in events), b"0\r\n\r\n")


def response(status: int, body: bytes) -> bytes:
    """Return a whole HTTP response with a JSON body."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def failure(status: int) -> bytes:
    """Return an error response that every dialect can read."""
    return response(status, _json({"error": {"message": "no", "type": "invalid", "code": "no"}}))


def _completion(end: str, text: str) -> dict[str, Any]:
    if end == OPENAI:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1763800000,
            "model": "m",
            "choices": [choice],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }
    return {"model": "m", "created_at": "2026-11-01T00:00:00Z", **_text_field(end, text), **_END}


_END = {
    "done": True,
    "done_reason": "stop",
    "total_duration": 5_000_000,
    "load_duration": 1_000_000,
    "prompt_eval_count": 11,
    "prompt_eval_duration": 1_000_000,
    "eval_count": 7,
    "eval_duration": 3_000_000,
}


def _text_field(end: str, text: str) -> dict[str, Any]:
    if end == GENERATE:
        return {"response": text}
    return {"message": {"role": "assistant", "content": text}}


def _ollama_events(end: str, chunks: int) -> list[bytes]:
    same = {"model": "m", "created_at": "2026-11-01T00:00:00.123456Z"}
    event = _json({**same, **_text_field(end, " token"), "done": False}) + b"\n"
    return [event] * chunks + [_json({**same, **_text_field(end, ""), **_END}) + b"\n"]


def _openai_events(chunks: int) -> list[bytes]:
    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _sse({**same, "choices": [choice]})

    same = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1763800000,
        "model": "m",
    }
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    words = [event({"role": "assistant", "content": " token"})]
    words += [event({"content": " token"})] * (chunks - 1)
    return [*words, event({}, "stop"), _sse({**same, "choices": [], "usage": usage}), _DONE]


_DONE = b"data: [DONE]\n\n"


def _sse(value: Any) -> bytes:
    return b"data: " + _json(value) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
