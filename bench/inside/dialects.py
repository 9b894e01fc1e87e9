"""Make the bench upstream's responses as bytes, in each dialect."""

from __future__ import annotations

import json
import struct
from functools import cache
from typing import Any
from zlib import crc32

OLLAMA, GENERATE, OPENAI = "/api/chat", "/api/generate", "/chat/completions"
MESSAGES, RESPONSES = "/messages", "/responses"
CONVERSE, CONVERSE_STREAM = "/converse", "/converse-stream"
_ENDS = (OLLAMA, GENERATE, OPENAI, MESSAGES, RESPONSES, CONVERSE, CONVERSE_STREAM)
_KINDS = {
    OLLAMA: "application/x-ndjson",
    GENERATE: "application/x-ndjson",
    CONVERSE_STREAM: "application/vnd.amazon.eventstream",
}
_WORDS = "The quick brown fox jumps over the lazy dog. "


def endpoint(path: str) -> str:
    """Return the end of a request's path that identifies the dialect."""
    return next((end for end in _ENDS if path.endswith(end)), path)


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
    kind = _KINDS.get(end, "text/event-stream")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return (head.encode(), *map(_chunk, _events(end, chunks)), b"0\r\n\r\n")


def response(status: int, body: bytes) -> bytes:
    """Return a whole HTTP response with a JSON body."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def failure(status: int) -> bytes:
    """Return an error response that every dialect can read."""
    return response(status, _json({"error": {"message": "no", "type": "invalid", "code": "no"}}))


def _events(end: str, chunks: int) -> list[bytes]:
    if end == OPENAI:
        return _openai_events(chunks)
    if end == MESSAGES:
        return _messages_events(chunks)
    if end == CONVERSE_STREAM:
        return _converse_events(chunks)
    return _responses_events(chunks) if end == RESPONSES else _ollama_events(end, chunks)


def _completion(end: str, text: str) -> dict[str, Any]:
    if end == MESSAGES:
        return {**_MESSAGE, "content": [{"type": "text", "text": text}], **_STOPPED}
    if end == RESPONSES:
        return _response("completed", [_message_item(text)])
    if end == CONVERSE:
        message = {"role": "assistant", "content": [{"text": text}]}
        return {"output": {"message": message}, "stopReason": "end_turn", **_COUNTED}
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
_MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 11, "output_tokens": 1},
}
_STOPPED = {"stop_reason": "end_turn", "usage": {"input_tokens": 11, "output_tokens": 7}}


def _messages_events(chunks: int) -> list[bytes]:
    word = _named("content_block_delta", index=0, delta={"type": "text_delta", "text": " token"})
    block = {"type": "text", "text": ""}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    # The events before the first word are in its chunk: a caller waits for the first word.
    lead = _named("message_start", message=_MESSAGE)
    lead += _named("content_block_start", index=0, content_block=block)
    return [
        lead + word,
        *[word] * (chunks - 1),
        _named("content_block_stop", index=0),
        _named("message_delta", delta=delta, usage=_STOPPED["usage"]),
        _named("message_stop"),
    ]


def _responses_events(chunks: int) -> list[bytes]:
    text = " token" * chunks
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    item, begun = _message_item(text), {**_message_item(""), "status": "in_progress", "content": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    word = {"type": "response.output_text.delta", **place, "delta": " token", "logprobs": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress", [])},
        {"type": "response.in_progress", "response": _response("in_progress", [])},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **place, "part": part},
        *[word] * chunks,
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": _response("completed", [item])},
    ]
    named = [
        _named(event["type"], sequence_number=number, **event)
        for number, event in enumerate(events)
    ]
    words = events.index(word)
    return [b"".join(named[: words + 1]), *named[words + 1 :]]


_COUNTED = {
    "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18},
    "metrics": {"latencyMs": 9},
}


def _converse_events(chunks: int) -> list[bytes]:
    word = {"contentBlockIndex": 0, "delta": {"text": " token"}, "p": "abcdefghijklmnopqrstuvwx"}
    first = _frame("messageStart", {"role": "assistant"}) + _frame("contentBlockDelta", word)
    return [
        first,
        *[_frame("contentBlockDelta", word)] * (chunks - 1),
        _frame("contentBlockStop", {"contentBlockIndex": 0}),
        _frame("messageStop", {"stopReason": "end_turn"}),
        _frame("metadata", _COUNTED),
    ]


def _frame(kind: str, value: Any) -> bytes:
    """Encode a message of Amazon's binary event stream."""
    named = (
        (":event-type", kind),
        (":content-type", "application/json"),
        (":message-type", "event"),
    )
    headers = b"".join(
        struct.pack(f"!B{len(name)}sBH", len(name), name.encode(), 7, len(text)) + text.encode()
        for name, text in named
    )
    payload = _json(value)
    lengths = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    before = lengths + struct.pack("!I", crc32(lengths)) + headers + payload
    return before + struct.pack("!I", crc32(before))


def _message_item(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    return {**head, "content": [part]}


def _response(status: str, output: list[Any]) -> dict[str, Any]:
    usage = {
        "input_tokens": 11,
        "output_tokens": 7,
        "total_tokens": 18,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    head = {"id": "resp_1", "object": "response", "created_at": 1763800000, "model": "m"}
    return {**head, "status": status, "error": None, "output": output, "usage": usage}


def _named(name: str, **fields: Any) -> bytes:
    return b"event: " + name.encode() + b"\n" + _sse({"type": name, **fields})


def _sse(value: Any) -> bytes:
    return b"data: " + _json(value) + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
