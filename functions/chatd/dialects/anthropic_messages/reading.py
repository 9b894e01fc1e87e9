"""Read the content blocks, stop reason and usage of Anthropic's Messages, whole or streamed.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import Block, Opaque, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra, Json
from chatd.canonical.response import Choice, UpstreamJson, Usage, new_call_id
from chatd.dialects import lenient
from chatd.dialects.json_shapes import (
    ShapeError,
    lenient_member,
    lenient_text,
    name_in,
    objects,
    text_in,
)
from chatd.safe_json.finite_numbers import compact
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS

DIALECT = "anthropic_messages"
# The version that the dialect's bodies fit: https://platform.claude.com/docs/en/api/versioning
VERSION = "2023-06-01"

# Fields that the canonical form names.
MESSAGE = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
)
TEXT = frozenset({"type", "text"})
THINKING = frozenset({"type", "thinking", "signature"})
_REDACTED = frozenset({"type", "data"})
TOOL_USE = frozenset({"type", "id", "name", "input"})
_TYPE = frozenset({"type"})
_EMPTY: tuple[Any, ...] = (None, "", [], {})

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "max_tokens": "length",
        "tool_use": "tool_calls",
        "refusal": "content_filter",
        "model_context_window_exceeded": "length",
    }
)


def choice(message: Json) -> Choice:
    """Read the content of a whole message.

    Raises:
        ShapeError: If it is none.

    """
    given = objects(message["content"], MAX_PARTS)
    blocks = tuple(found for one in given if not is_empty_text(found := block(one)))
    calls = sum(isinstance(one, ToolCall) for one in blocks)
    if calls > MAX_TOOL_CALLS:
        raise ShapeError
    reason = name_in(message, "stop_reason")
    return Choice(
        blocks,
        finish_reason(reason, called=calls > 0) if reason else None,
        stop_sequence=lenient_text(message, "stop_sequence"),
    )


def block(given: dict[str, Any]) -> Block:
    """Read a content block; one of an unknown type is kept whole.

    Raises:
        ShapeError: If a named field has another type than it must have.

    """
    kind = kind_of(given)
    if kind == "text":
        return Text(text_in(given, "text"), further_of(given, TEXT))
    if kind == "thinking":
        signature = lenient_text(given, "signature")
        return Thinking(text_in(given, "thinking"), signature, extra=further_of(given, THINKING))
    if kind == "redacted_thinking":
        return Thinking(redacted=text_in(given, "data"), extra=further_of(given, _REDACTED))
    if kind == "tool_use":
        return ToolCall(
            id=name_in(given, "id") or new_call_id(),
            name=name_in(given, "name") or "",
            arguments=arguments(given.get("input")) or "{}",
            extra=further_of(given, TOOL_USE),
        )
    return opaque(given)


def kind_of(given: Json) -> str:
    """Return the type of a content block.

    Raises:
        ShapeError: If it has none.

    """
    kind = lenient_text(given, "type")
    if kind is None:
        raise ShapeError
    return kind


def opaque(given: Json) -> Opaque:
    """Keep a block of a type that only this dialect knows."""
    fields = {name: value for name, value in given.items() if name not in _TYPE}
    return Opaque(kind_of(given), Extra(DIALECT, fields))


def is_empty_text(found: Block) -> bool:
    """Return whether a block is a text without content and further fields."""
    return isinstance(found, Text) and not found.text and found.extra is None


def arguments(given: Any) -> str:
    """Write the input of a tool call as JSON text; empty for an empty or missing input."""
    if isinstance(given, str):
        return given
    return compact(given) if given else ""


def further_of(given: Json, named: frozenset[str]) -> Extra | None:
    """Return the unnamed fields of an object that hold something; None if there are none."""
    if given.keys() <= named:
        return None
    fields = {
        name: value for name, value in given.items() if name not in named and value not in _EMPTY
    }
    return Extra(DIALECT, fields) if fields else None


def finish_reason(given: str, *, called: bool) -> str:
    """Return the canonical finish reason; an answer with tool calls never ends with `stop`."""
    found = _REASONS.get(given, given)
    return "tool_calls" if called and found == "stop" else found


def usage(given: Any, cost: Any = None) -> Usage:
    """Read the tokens; Anthropic's `input_tokens` excludes cache reads and cache writes.

    Args:
        given: The usage object; whatever is none has no counts.
        cost: A price in USD that the provider gives beside it, as OpenCode does.

    """
    beside = lenient.cost(cost)
    if type(given) is not dict:
        return Usage(cost_usd=beside)
    read = lenient.known_count(given.get("cache_read_input_tokens"))
    written, of_1_hour = _cache_writes(given)
    thought = lenient_member(given, "output_tokens_details").get("thinking_tokens")
    fresh = lenient.count(given.get("input_tokens"))
    within = lenient.cost(given.get("cost"))
    return Usage(
        input_tokens=lenient.count(fresh + (read or 0) + (written or 0)),
        output_tokens=lenient.count(given.get("output_tokens")),
        cached_tokens=read,
        reasoning_tokens=lenient.known_count(thought),
        cost_usd=beside if within is None else within,
        cache_write_tokens=written,
        cache_write_1h_tokens=of_1_hour,
        source=UpstreamJson(DIALECT, given),
    )


def later_usage(before: dict[str, Any], given: Any) -> dict[str, Any]:
    """Return the usage after a later event: its counts are cumulative, and replace those before.

    A null or 0 replaces no count: several servers count the input in the first event alone.
    """
    if type(given) is not dict:
        return before
    later = {name: value for name, value in given.items() if value or name not in before}
    return {**before, **later}


def _cache_writes(given: Json) -> tuple[int | None, int | None]:
    """Return the tokens written to the cache, and those of them that are kept for 1 hour."""
    total = lenient.known_count(given.get("cache_creation_input_tokens"))
    parts = given.get("cache_creation")
    if type(parts) is not dict:
        return total, None
    of_1_hour = lenient.known_count(parts.get("ephemeral_1h_input_tokens"))
    if total is None:
        of_5_minutes = lenient.count(parts.get("ephemeral_5m_input_tokens"))
        total = lenient.count(of_5_minutes + (of_1_hour or 0))
    return total, of_1_hour
