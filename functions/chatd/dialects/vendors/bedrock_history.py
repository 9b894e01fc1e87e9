"""Make the ids of tool calls in a conversation of OpenAI's chat dialect unique."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatd.dialects.call_ids import CallIds

Json = dict[str, Any]


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
