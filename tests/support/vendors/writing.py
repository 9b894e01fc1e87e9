"""Write an answer of OpenAI's chat API in a vendor's form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.support.vendors.vendor import Form

_THINKING = "reasoning_content"
_END = b"data: [DONE]\n\n"


def whole(form: Form, body: Any) -> dict[str, Any]:
    """Return a whole answer in the vendor's form."""
    choices = []
    for choice in body["choices"]:
        message = _message(form, choice["message"])
        reason = choice["finish_reason"]
        if reason == "tool_calls":
            reason = form.finish_of_whole_calls
        choices.append({**choice, "message": message, "finish_reason": reason})
    usage = {**body["usage"], **form.counts}
    return {**body, **form.whole, "choices": choices, "usage": usage}


def streamed(form: Form, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a stream in the vendor's form."""
    if form.first is not None:
        yield _sse(form.first)
    held: dict[str, Any] | None = None
    for piece in pieces if form.indexed_calls else _with_whole_calls(pieces):
        if not piece.startswith(b"data: {"):
            if held is not None:
                yield _sse(held)
                held = None
            yield piece
            continue
        chunk = json.loads(piece.removeprefix(b"data: "))
        if chunk.get("usage") and not chunk["choices"] and held is not None:
            yield from map(_sse, _with_usage(form, held, chunk))
            held = None
            continue
        if held is not None:
            yield _sse(held)
        held = _chunk(form, chunk)
    if held is not None:
        yield _sse(held)


def _with_usage(form: Form, last: dict[str, Any], chunk: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the last chunk with a choice, and the usage where the vendor has it."""
    usage = {**chunk["usage"], **form.counts}
    if form.usage == "choice":
        choices = [{**choice, "usage": usage} for choice in last["choices"]]
        return [{**last, **form.last, "choices": choices}]
    if form.usage == "last":
        return [{**last, **form.last, "usage": usage}]
    if form.usage == "x_groq":
        return [{**last, **form.last, "x_groq": {"id": "req_1", "usage": usage}}]
    return [{**last, **form.last}, {**chunk, "usage": usage}]


def _chunk(form: Form, chunk: dict[str, Any]) -> dict[str, Any]:
    choices = []
    for choice in chunk["choices"]:
        reason = choice["finish_reason"]
        if reason == "tool_calls":
            reason = form.finish_of_calls
        delta = _message(form, choice["delta"])
        choices.append({**choice, "delta": delta, "finish_reason": reason})
    return {**chunk, "choices": choices}


def _message(form: Form, message: dict[str, Any]) -> dict[str, Any]:
    changed = dict(message)
    if form.call_fields and "tool_calls" in message:
        changed["tool_calls"] = [
            {**call, **form.call_fields} if "id" in call else call for call in message["tool_calls"]
        ]
    if _THINKING not in message or form.thinking == _THINKING:
        return changed
    thinking = changed.pop(_THINKING)
    text = message.get("content") or ""
    if form.thinking == "parts":
        parts = [{"type": "thinking", "thinking": [{"type": "text", "text": thinking}]}]
        changed["content"] = [*parts, {"type": "text", "text": text}] if text else parts
    elif form.thinking == "tags":
        changed["content"] = f"<think>\n{thinking}\n</think>\n\n{text}"
    elif form.thinking is not None:
        changed[form.thinking] = thinking
    return changed


def _with_whole_calls(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a stream with each call whole in one chunk and without an index."""
    calls: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        chunk = json.loads(piece.removeprefix(b"data: ")) if piece.startswith(b"data: {") else {}
        choices = chunk.get("choices") or [{"delta": {}}]
        delta = choices[0]["delta"]
        if "tool_calls" in delta:
            for part in delta["tool_calls"]:
                call = calls.setdefault(part["index"], part)
                if call is not part:
                    call["function"]["arguments"] += part["function"]["arguments"]
            continue
        if calls and choices[0].get("finish_reason"):
            for call in calls.values():
                whole_call = {name: value for name, value in call.items() if name != "index"}
                given = [{**choices[0], "delta": {"tool_calls": [whole_call]}}]
                given[0]["finish_reason"] = None
                yield _sse({**chunk, "choices": given})
        yield piece


def _sse(chunk: Any) -> bytes:
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"
