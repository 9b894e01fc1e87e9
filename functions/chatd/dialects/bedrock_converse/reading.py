"""Read the content blocks, stop reason and usage of Bedrock's Converse, whole or streamed.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import Block, Text, Thinking, ToolCall
from chatd.canonical.extra import Json
from chatd.canonical.response import Choice, UpstreamJson, Usage, new_call_id
from chatd.dialects import lenient
from chatd.dialects.failures import malformed
from chatd.dialects.json_shapes import (
    ShapeError,
    lenient_member,
    lenient_text,
    member,
    name_in,
    objects,
    text_in,
)
from chatd.safe_json.finite_numbers import compact
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS
from chatd.upstream_http import HttpResponse

DIALECT = "bedrock_converse"

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "end_turn": "stop",
        "max_tokens": "length",
        "tool_use": "tool_calls",
        "guardrail_intervened": "content_filter",
        "content_filtered": "content_filter",
        "model_context_window_exceeded": "length",
    }
)
# Bedrock cannot read the output of the model: there is no answer.
_FAILED: Mapping[str, str] = MappingProxyType(
    {
        "malformed_model_output": "the model's output is malformed",
        "malformed_tool_use": "the model wrote a malformed tool call",
    }
)
_OF_SERVER = "server_tool_use"


def choice(response: HttpResponse, body: Json) -> Choice:
    """Read the content of a whole response.

    Raises:
        ShapeError: If the body is no such response.
        UpstreamError: If its stop reason says that the model's output is malformed.

    """
    message = member(member(body, "output"), "message")
    given = objects(message.get("content"), MAX_PARTS)
    blocks = tuple(found for one in given for found in _blocks(one))
    calls = sum(isinstance(one, ToolCall) for one in blocks)
    if calls > MAX_TOOL_CALLS:
        raise ShapeError
    reason = name_in(body, "stopReason")
    if reason is None:
        raise ShapeError
    return Choice(
        blocks,
        finish_reason(response, reason, called=calls > 0),
        stop_sequence=stop_sequence(body, reason),
    )


def finish_reason(response: HttpResponse, given: str, *, called: bool) -> str:
    """Return the canonical finish reason; an answer with tool calls never ends with `stop`.

    Raises:
        UpstreamError: If the reason says that the model's output is malformed.

    """
    if given in _FAILED:
        raise malformed(response, _FAILED[given])
    found = _REASONS.get(given, given)
    if called:
        return "tool_calls" if found == "stop" else found
    # Only tools that Bedrock itself runs were called.
    return "stop" if found == "tool_calls" else found


def stop_sequence(given: Json, reason: str) -> str | None:
    """Return the sequence that ended the answer, which Bedrock gives on request."""
    if reason != "stop_sequence":
        return None
    return lenient_text(lenient_member(given, "additionalModelResponseFields"), "stop_sequence")


def is_of_server(call: Json) -> bool:
    """Return whether Bedrock itself runs a call, such as a search of the web."""
    return call.get("type") == _OF_SERVER


def usage(given: Any) -> Usage:
    """Read the tokens; Bedrock's `inputTokens` excludes cache reads and cache writes.

    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html

    Args:
        given: The usage object; any other value has no counts.

    """
    if type(given) is not dict:
        return Usage()
    read = lenient.known_count(given.get("cacheReadInputTokens"))
    written = lenient.known_count(given.get("cacheWriteInputTokens"))
    fresh = lenient.count(given.get("inputTokens"))
    return Usage(
        input_tokens=lenient.count(fresh + (read or 0) + (written or 0)),
        output_tokens=lenient.count(given.get("outputTokens")),
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=_of_1_hour(given.get("cacheDetails")),
        source=UpstreamJson(DIALECT, given),
    )


def _blocks(given: Json) -> Iterator[Block]:
    """Read a content block; one of another kind, such as an image, is left out.

    Raises:
        ShapeError: If a named field has another type than it must have.

    """
    if text := text_in(given, "text"):
        yield Text(text)
    if given.get("citationsContent") is not None:
        parts = objects(member(given, "citationsContent").get("content"), MAX_PARTS)
        if text := "".join(text_in(part, "text") for part in parts):
            yield Text(text)
    if given.get("reasoningContent") is not None:
        yield from _thinking(member(given, "reasoningContent"))
    call = member(given, "toolUse")
    if given.get("toolUse") is not None and not is_of_server(call):
        yield ToolCall(
            id=name_in(call, "toolUseId") or new_call_id(),
            name=name_in(call, "name") or "",
            arguments=arguments(call.get("input")),
        )


def arguments(given: Any) -> str:
    """Write the input of a tool call as JSON text; `{}` for an empty or missing input."""
    if isinstance(given, str):
        return given or "{}"
    return compact(given) if given else "{}"


def _thinking(given: Json) -> Iterator[Thinking]:
    if redacted := text_in(given, "redactedContent"):
        yield Thinking(redacted=redacted)
    thought = member(given, "reasoningText")
    text, signature = text_in(thought, "text"), lenient_text(thought, "signature")
    if text or signature:
        yield Thinking(text, signature)


def _of_1_hour(details: Any) -> int | None:
    """Return the tokens written to the cache for 1 hour; None if Bedrock gives no details."""
    if type(details) is not list or not details:
        return None
    counts = [
        lenient.count(one.get("inputTokens"))
        for one in details
        if type(one) is dict and one.get("ttl") == "1h"
    ]
    return lenient.count(sum(counts))
