"""Correct the body of a request for the differences of a provider's row.

Each difference that two providers share is a field of the row. A message or an object of the body
may be the caller's own JSON, so it is copied before it is changed.
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.request import has_field
from chatd.dialects.openai_chat.turns import DIALECT

_LIMITS = ("max_completion_tokens", "max_tokens")
_SAMPLING = ("temperature", "top_p", "top_k")
_REASONING = ("reasoning_content", "reasoning")


def dropped(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the fields of the request that the row leaves out, or that its model refuses."""
    found = [name for name in row.drops if has_field(request, name)]
    if (sampling := _sampling(request)) and row.refuses_sampling(request.model):
        found += sampling
    return tuple(dict.fromkeys(found))


def _sampling(request: ChatRequest) -> list[str]:
    """Name the fields of the request that choose tokens."""
    source = request.source
    if source is not None and source.dialect == DIALECT:
        return [name for name in _SAMPLING if source.body.get(name) is not None]
    return [name for name in _SAMPLING if getattr(request.sampling, name) is not None]


def correct_fields(body: dict[str, Any], row: Provider) -> None:
    """Rename and leave out fields of the body itself."""
    if row.max_tokens_name is not None:
        limits = [body.pop(name) for name in _LIMITS if body.get(name) is not None]
        if limits:
            body[row.max_tokens_name] = limits[0]
    for name, new_name in row.renames.items():
        if name in body:
            body[new_name] = body.pop(name)
    for name in row.drops:
        body.pop(name, None)
    sampling = [name for name in _SAMPLING if body.get(name) is not None]
    if sampling and row.refuses_sampling(body["model"]):
        for name in sampling:
            del body[name]


def corrects_turns(row: Provider) -> bool:
    """Return whether the row changes any message."""
    return row.developer_as_system or row.content_as_text or row.returns_reasoning is not None


def corrected_turn(turn: dict[str, Any], row: Provider) -> dict[str, Any]:
    """Return a message as the row's provider takes it; the given message is not changed."""
    if row.developer_as_system and turn["role"] == "developer":
        turn = {**turn, "role": "system"}
    if row.returns_reasoning is not None:
        turn = _with_reasoning_as(row.returns_reasoning, turn)
    if row.content_as_text and isinstance(turn.get("content"), list):
        turn = _with_text(turn)
    return turn


def _with_reasoning_as(name: str, turn: dict[str, Any]) -> dict[str, Any]:
    """Move the reasoning to the field in which the provider takes it back."""
    other = "reasoning" if name == "reasoning_content" else "reasoning_content"
    if other not in turn:
        return turn
    thinking = turn.get("reasoning_content") or turn.get("reasoning")
    turn = {field: value for field, value in turn.items() if field not in _REASONING}
    return {**turn, name: thinking} if thinking else turn


def _with_text(turn: dict[str, Any]) -> dict[str, Any]:
    """Join the parts of a message to one text; a message with other parts stays as it is."""
    parts = turn["content"]
    if any(part["type"] != "text" for part in parts):
        return turn
    return {**turn, "content": "".join(part["text"] for part in parts)}
