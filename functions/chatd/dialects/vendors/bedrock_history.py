"""Correct the turns of OpenAI's chat dialect for Bedrock: ids of tool calls, and cache marks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatd.dialects.call_ids import CallIds

Json = dict[str, Any]
# Of Anthropic's API; some clients write it in OpenAI's too.
_MARK = "cache_control"
MARKS = frozenset(f"{place}.{_MARK}" for place in ("messages", "messages.content", "tools"))
"""The paths of the marks that `without_marks` leaves out."""


def with_unique_ids(turns: list[Json]) -> list[Json]:
    """Return the turns with unique ids, the same in a call and its result.

    A caller that got positional ids, of an earlier version or another gateway, sends one id for
    several calls. A turn that does not change is the caller's own object.
    """
    given = [call["id"] for turn in turns for call in _calls(turn) if "id" in call]
    if len(set(given)) == len(given):
        return turns
    ids = CallIds()
    return [_with_ids(turn, ids) for turn in turns]


def without_marks(items: list[Json]) -> list[Json]:
    """Return turns or tools without marks for a prompt cache, also those of their parts.

    A model of another vendor than Anthropic answers them with a 403 that names no field. A turn or
    tool without a mark is the caller's own object.
    """
    kept = [_without_mark(item) for item in items]
    return kept if any(new is not old for new, old in zip(kept, items, strict=True)) else items


def _without_mark(item: Json) -> Json:
    content = item.get("content")
    if isinstance(content, list) and any(_MARK in part for part in content):
        parts = [{name: part[name] for name in part if name != _MARK} for part in content]
        item = {**item, "content": parts}
    if _MARK in item:
        item = {name: item[name] for name in item if name != _MARK}
    return item


def _with_ids(turn: Json, ids: CallIds) -> Json:
    if turn.get("role") == "tool":
        given = turn.get("tool_call_id")
        return {**turn, "tool_call_id": ids.result(given)} if isinstance(given, str) else turn
    if turn.get("role") != "assistant":
        return turn
    ids.begin_turn()
    calls = [
        {**call, "id": ids.call(call["id"])} if isinstance(call.get("id"), str) else call
        for call in _calls(turn)
    ]
    return {**turn, "tool_calls": calls} if calls else turn


def _calls(turn: Json) -> Iterator[Json]:
    calls = turn.get("tool_calls")
    yield from calls if isinstance(calls, list) else ()
