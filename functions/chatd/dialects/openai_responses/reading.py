"""Read the items, status and usage of OpenAI's Responses dialect, whole or streamed.

https://developers.openai.com/api/reference/resources/responses. The JSON is read as it is, not
through pydantic (docs/decisions/0035-forwarded-responses.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chatd.canonical.content import Block, Opaque, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra, Json, extra_of, unnamed
from chatd.canonical.response import (
    Choice,
    UpstreamJson,
    Usage,
    new_call_id,
    too_many_calls,
)
from chatd.dialects import lenient
from chatd.dialects.json_shapes import lenient_member, lenient_text, name_in, objects
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS

DIALECT = "openai_responses"
AnswerCorrection = Callable[[dict[str, Any]], None]
"""Corrects the JSON of a whole response, or of an event, in place."""

# Fields that the canonical form names, and those in which a response repeats its request.
_RESPONSE = frozenset(
    {
        *("id", "object", "created_at", "completed_at", "model", "output", "usage", "status"),
        *("error", "incomplete_details", "output_text", "cost"),
        *("background", "conversation", "context_management", "frequency_penalty", "include"),
        *("input", "instructions", "max_output_tokens", "max_tool_calls", "metadata"),
        *("parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt"),
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning"),
        *("safety_identifier", "store", "stream", "temperature", "text", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "truncation", "user"),
    }
)
_CALL = frozenset({"type", "call_id", "name", "arguments", "input", "namespace", "status"})
_LENGTH = ("max_output_tokens", "max_tokens")

# The kinds of items with calls, and the canonical kind of each.
CALLS: Mapping[str, str] = {"function_call": "function", "custom_tool_call": "custom"}


def choice(body: Json) -> Choice:
    """Read the output of a whole response as its only choice.

    Raises:
        ShapeError: If it is none.
        AnswerTooLargeError: If it has more than 1,024 tool calls.

    """
    output = objects(body.get("output"), MAX_PARTS)
    found = [block for item in output for block in blocks(item)]
    calls = sum(isinstance(block, ToolCall) for block in found)
    if calls > MAX_TOOL_CALLS:
        raise too_many_calls()
    if not output and (text := lenient_text(body, "output_text")):
        found.append(Text(text))
    return Choice(
        tuple(found),
        finish_reason(body, incomplete=body.get("status") == "incomplete", called=calls > 0),
        _logprobs(output),
        annotations_extra([note for item in output for note in _annotations(item)]),
    )


def blocks(item: Json) -> Iterator[Block]:
    """Read an output item as content blocks.

    Raises:
        ShapeError: If it is none.

    """
    kind = name_in(item, "type") or "message"
    if kind == "message":
        yield from map(part, parts(item))
    elif kind == "reasoning":
        thought, token = reasoning_text(item), lenient_text(item, "encrypted_content")
        if thought or token:
            yield Thinking(thought, token)
    elif kind in CALLS:
        yield call(item, CALLS[kind])
    else:
        yield Opaque(kind, Extra(DIALECT, unnamed(item, {"type"})))


def parts(item: Json) -> list[dict[str, Any]]:
    """Read the parts of a message; a text alone is one part.

    Raises:
        ShapeError: If it is no message.

    """
    content = item.get("content")
    if type(content) is str:
        return [{"type": "output_text", "text": content}]
    return objects(content, MAX_PARTS)


def part(given: Json) -> Block:
    """Read a part of a message."""
    kind = given.get("type")
    if kind in ("output_text", "text", None):
        return Text(lenient.text(given.get("text")) or "")
    if kind == "refusal":
        return Refusal(lenient_text(given, "refusal") or "")
    return Opaque(str(kind)[:64], Extra(DIALECT, unnamed(given, {"type"})))


def reasoning_text(item: Json) -> str:
    """Read the readable reasoning: the summary, or the reasoning itself where a server shows it.

    Raises:
        ShapeError: If it is no item of reasoning.

    """
    for name in ("summary", "content"):
        value = item.get(name)
        if type(value) is str:
            found = [value]
        else:
            found = [lenient_text(one, "text") or "" for one in objects(value, MAX_PARTS)]
        if text := "\n\n".join(filter(None, found)):
            return text
    return ""


def call(item: Json, kind: str) -> ToolCall:
    """Read a call of a function or of a custom tool; generate its id if the server gives none."""
    arguments = lenient.arguments(item.get("input" if kind == "custom" else "arguments"))
    return ToolCall(
        id=call_id(item) or new_call_id(),
        name=name_in(item, "name") or "",
        arguments=arguments or ("{}" if kind == "function" else ""),
        kind=kind,
        extra=extra_of(DIALECT, item, _CALL),
        namespace=name_in(item, "namespace"),
    )


def call_id(item: Json) -> str | None:
    """Read the id that the result of a call repeats."""
    return name_in(item, "call_id") or name_in(item, "id")


def call_extra(item: Json) -> Extra | None:
    """Return the unnamed fields of a call."""
    return extra_of(DIALECT, item, _CALL)


def finish_reason(body: Json, *, incomplete: bool, called: bool) -> str:
    """Read the finish reason of a response that has ended.

    Args:
        body: The response.
        incomplete: Whether it ended before it was complete.
        called: Whether it holds a call of a tool.

    """
    if not incomplete:
        return "tool_calls" if called else "stop"
    details = body.get("incomplete_details")
    reason = name_in(details, "reason") if type(details) is dict else None
    return "length" if reason is None or reason in _LENGTH else reason


def response_extra(body: Json) -> Extra | None:
    """Return the unnamed fields of a response, without those that repeat its request."""
    return extra_of(DIALECT, body, _RESPONSE)


def annotations_extra(found: list[Any]) -> Extra | None:
    """Return the citations of the text as unnamed fields of the choice's message."""
    return Extra(DIALECT, {}, {"message": {"annotations": found}}) if found else None


def logprobs(found: Any) -> dict[str, Any] | None:
    """Read log probabilities into the form of OpenAI's chat dialect."""
    return {"content": found} if found and type(found) is list else None


def usage(given: Any, cost: Any = None) -> Usage:
    """Read the tokens.

    Args:
        given: The usage object; whatever is none has no counts.
        cost: A price in USD that the provider gives beside it.

    """
    beside = lenient.cost(cost)
    if type(given) is not dict:
        return Usage(cost_usd=beside)
    of_input = lenient_member(given, "input_tokens_details")
    of_output = lenient_member(given, "output_tokens_details")
    within = lenient.cost(given.get("cost"))
    return Usage(
        input_tokens=lenient.count(given.get("input_tokens")),
        output_tokens=lenient.count(given.get("output_tokens")),
        cached_tokens=lenient.known_count(of_input.get("cached_tokens")),
        reasoning_tokens=lenient.known_count(of_output.get("reasoning_tokens")),
        cost_usd=beside if within is None else within,
        cache_write_tokens=lenient.known_count(of_input.get("cache_write_tokens")),
        source=UpstreamJson(DIALECT, given),
    )


def _annotations(item: Json) -> Iterator[Any]:
    if name_in(item, "type") == "message":
        for given in parts(item):
            found = given.get("annotations")
            yield from found if type(found) is list else ()


def _logprobs(output: list[dict[str, Any]]) -> Any:
    found: list[Any] = []
    for item in output:
        if name_in(item, "type") == "message":
            for given in parts(item):
                value = given.get("logprobs")
                found += value if type(value) is list else ()
    return logprobs(found)
