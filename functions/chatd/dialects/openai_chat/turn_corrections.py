"""Correct the turns of a request for the differences of a provider's row.

A turn may be the caller's own JSON, so it is copied before it is changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.request import is_own

Turn = dict[str, Any]
# The text of a user turn after a prefill, for a model that takes none.
_CONTINUE = "Continue."
_REASONING = ("reasoning_content", "reasoning")


def dropped(request: ChatRequest, row: Provider) -> Iterator[str]:
    """Name the fields of turns that the row leaves out, as `messages.<field>`."""
    if not row.turn_fields:
        return
    if is_own(request) and request.source is not None:
        for turn in request.source.body["messages"]:
            taken = row.turn_fields.get(_role(turn, row))
            for name in turn if taken is not None else ():
                if name not in (taken or ()) and turn[name] is not None:
                    yield f"messages.{name}"
        return
    for message in request.messages:
        taken = row.turn_fields.get(message.role)
        if taken is not None and message.name is not None and "name" not in taken:
            yield "messages.name"
        if taken is not None and message.thinking and not set(_REASONING) & set(taken):
            yield "messages.reasoning_content"


def corrected(body: dict[str, Any], row: Provider) -> list[Turn]:
    """Return the turns of a body as the row's provider takes them; the body is not changed."""
    fills = "missing_reasoning" in row.refuses and _thinks(body, row)
    turns = [_corrected(turn, row, fills=fills) for turn in body["messages"]]
    if "empty_content" in row.refuses:
        turns = [full for turn in turns if (full := _without_empty(turn)) is not None]
    if "consecutive_turns" in row.refuses:
        turns = _alternating(turns)
        if turns[-1]["role"] == "assistant" and not row.prefill:
            turns.append({"role": "user", "content": _CONTINUE})
    return turns


def _corrected(turn: Turn, row: Provider, *, fills: bool) -> Turn:
    role = _role(turn, row)
    if role != turn["role"]:
        turn = {**turn, "role": role}
    if row.returns_reasoning is not None:
        turn = _with_reasoning_as(row.returns_reasoning, turn)
    if row.content_as_text and isinstance(turn.get("content"), list):
        turn = _with_text(turn)
    if "nulls" in row.refuses and any(value is None for value in turn.values()):
        turn = {name: value for name, value in turn.items() if value is not None}
    taken = row.turn_fields.get(role)
    if taken is not None and not turn.keys() <= set(taken):
        turn = {name: value for name, value in turn.items() if name in taken}
    if row.call_id_length is not None:
        turn = _with_ids(turn, row.call_id_length)
    if fills and role == "assistant" and not turn.get(row.returns_reasoning or _REASONING[0]):
        turn = {**turn, row.returns_reasoning or _REASONING[0]: " "}
    return turn


def _role(turn: Turn, row: Provider) -> str:
    role: str = turn["role"]
    return "system" if row.developer_as_system and role == "developer" else role


def _thinks(body: dict[str, Any], row: Provider) -> bool:
    """Whether the model thinks, and the request does not switch it off."""
    thinking = body.get("thinking")
    off = isinstance(thinking, dict) and thinking.get("type") == "disabled"
    off = off or body.get("enable_thinking") is False or body.get("reasoning_effort") == "none"
    return not off and row.can_think(body["model"])


def _with_reasoning_as(name: str, turn: Turn) -> Turn:
    """Move the reasoning to the field in which the provider takes it back."""
    other = "reasoning" if name == "reasoning_content" else "reasoning_content"
    if other not in turn:
        return turn
    thinking = turn.get("reasoning_content") or turn.get("reasoning")
    turn = {field: value for field, value in turn.items() if field not in _REASONING}
    return {**turn, name: thinking} if thinking else turn


def _with_text(turn: Turn) -> Turn:
    """Join the parts of a message to one text; a message with other parts stays as it is."""
    parts = turn["content"]
    if any(part["type"] != "text" for part in parts):
        return turn
    return {**turn, "content": "".join(part["text"] for part in parts)}


def _with_ids(turn: Turn, length: int) -> Turn:
    """Replace the ids of calls, in a call and in its result alike."""
    calls = turn.get("tool_calls")
    if isinstance(calls, list):
        calls = [{**call, "id": _fitting(str(call.get("id")), length)} for call in calls]
        turn = {**turn, "tool_calls": calls}
    if turn.get("tool_call_id") is not None:
        turn = {**turn, "tool_call_id": _fitting(str(turn["tool_call_id"]), length)}
    return turn


def _fitting(id_: str, length: int) -> str:
    """Return an id of so many letters and digits, always the same one for an id."""
    if len(id_) == length and id_.isascii() and id_.isalnum():
        return id_
    return hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _without_empty(turn: Turn) -> Turn | None:
    """Leave the empty content of an assistant's turn out; None if nothing else is in the turn."""
    if turn["role"] != "assistant" or turn.get("content"):
        return turn
    turn = {name: value for name, value in turn.items() if name != "content"}
    return turn if any(turn[name] for name in turn if name != "role") else None


def _alternating(turns: Iterable[Turn]) -> list[Turn]:
    """Merge successive turns of a role; a system turn after the first others becomes a user's."""
    found: list[Turn] = []
    for turn in turns:
        begins = all(earlier["role"] == "system" for earlier in found)
        if turn["role"] == "system" and not begins:
            turn = {**turn, "role": "user"}  # noqa: PLW2901  # a copy, as everywhere here
        if found and found[-1]["role"] == turn["role"] and turn["role"] in ("user", "assistant"):
            found[-1] = _merged(found[-1], turn)
        else:
            found.append(turn)
    return found


def _merged(first: Turn, second: Turn) -> Turn:
    """Merge two turns: their texts with an empty line between, their parts and calls in order."""
    merged = {**first, **second}
    one, other = first.get("content"), second.get("content")
    if isinstance(one, str) and isinstance(other, str):
        merged["content"] = f"{one}\n\n{other}" if one and other else one or other
    elif one is not None or other is not None:
        merged["content"] = [*_parts(one), *_parts(other)]
    if first.get("tool_calls") and second.get("tool_calls"):
        merged["tool_calls"] = [*first["tool_calls"], *second["tool_calls"]]
    return merged


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []
