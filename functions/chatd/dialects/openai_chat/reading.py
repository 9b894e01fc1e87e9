"""Read the choices, tool calls and usage of OpenAI's chat dialect, whole or streamed.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. The JSON is read as it is, not
through pydantic: a chunk takes 2 µs to parse and 7 µs to validate, and its JSON is needed anyway
(docs/decisions/0035-forwarded-responses.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatd.canonical.content import Block, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra, Json, nested_for
from chatd.canonical.response import Choice, UpstreamJson, Usage, new_call_id
from chatd.dialects import lenient
from chatd.dialects.json_shapes import (
    ShapeError,
    lenient_member,
    lenient_text,
    member,
    name_in,
    objects,
)
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS

DIALECT = "openai_chat"
AnswerCorrection = Callable[[dict[str, Any]], None]
"""Corrects the JSON of a whole response, or of a chunk, in place."""

# Fields that the canonical form names; of a response also those that mean nothing in another
# response. `reasoning` is OpenRouter's name for thinking, which is read and kept.
RESPONSE = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation"})
CHOICE = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
PLAIN_CHOICE = frozenset({"index", "delta", "finish_reason"})
MESSAGE = frozenset({"role", "content", "reasoning_content", "tool_calls"})
_CALL = frozenset({"index", "id", "type"})
_INNER: Mapping[str, frozenset[str]] = {
    "function": frozenset({"name", "arguments"}),
    "custom": frozenset({"name", "input"}),
}
_NONE: Json = {}
_TICKS_A_USD = 10**10
_MOST_TICKS = 2**53
# The kinds of parts that have a field of their own.
_PLAIN = frozenset({"text", "thinking"})


def content(message: Json) -> str | None:
    """Read the text of a message, also from a list of parts.

    Raises:
        ShapeError: If it is something else.

    """
    value = message.get("content")
    if type(value) is str or value is None:
        return value
    if type(value) is list and len(value) <= MAX_PARTS:
        return lenient.text(value)
    if type(value) in (int, float):
        return str(value)
    raise ShapeError


def thinking(message: Json) -> str | None:
    """Read the thinking, which servers give under three names; None if there is none."""
    for name in ("reasoning_content", "reasoning"):
        value = message.get(name)
        if value and type(value) in (str, list):
            found = lenient.text(value)
            if found:
                return found
    value = message.get("content")
    return lenient.thinking(value) if type(value) is list else None


def flatten(message: dict[str, Any]) -> None:
    """Write a content of texts and thinking as OpenAI's fields, in place; callers know no others.

    Mistral's models that think answer so: https://docs.mistral.ai/capabilities/reasoning
    """
    parts = message.get("content")
    if type(parts) is not list or not 0 < len(parts) <= MAX_PARTS:
        return
    if any(not isinstance(part, dict) or part.get("type") not in _PLAIN for part in parts):
        return
    message["content"] = lenient.text(parts)
    if (thought := lenient.thinking(parts)) and not message.get("reasoning_content"):
        message["reasoning_content"] = thought


def unnamed(fields: Json, named: frozenset[str]) -> Json:
    """Return the fields that the canonical form does not name."""
    if fields.keys() <= named:
        return _NONE
    return {name: value for name, value in fields.items() if name not in named}


def choice_extra(choice: Json, message: Json) -> Extra | None:
    """Return the unnamed fields of a choice and of its message or delta."""
    fields, inner = unnamed(choice, CHOICE), unnamed(message, MESSAGE)
    if inner and lenient_text(inner, "refusal"):
        inner = {name: value for name, value in inner.items() if name != "refusal"}
    if inner:
        return Extra(DIALECT, fields, {"message": inner})
    return Extra(DIALECT, fields) if fields else None


def call_extra(call: Json, kind: str, inner: Json) -> Extra | None:
    """Return the unnamed fields of a tool call, or of a piece of one."""
    fields = {name: value for name, value in unnamed(call, _CALL).items() if name != kind}
    nested = unnamed(inner, _INNER.get(kind, frozenset()))
    if nested:
        return Extra(DIALECT, fields, {kind: nested})
    return Extra(DIALECT, fields) if fields else None


def arguments(inner: Json, kind: str) -> str:
    """Read the arguments of a function, or the input of a custom tool: a text."""
    return lenient.arguments(inner.get("input" if kind == "custom" else "arguments"))


def choice(given: Json) -> Choice:
    """Read a choice of a whole response.

    Raises:
        ShapeError: If it is none.

    """
    message = member(given, "message")
    flatten(message)
    blocks: list[Block] = []
    if thought := thinking(message):
        blocks.append(Thinking(thought))
    if text := content(message):
        blocks.append(Text(text))
    if refusal := lenient_text(message, "refusal"):
        blocks.append(Refusal(refusal))
    blocks += map(_call, objects(message.get("tool_calls"), MAX_TOOL_CALLS))
    return Choice(
        tuple(blocks),
        finish_reason=name_in(given, "finish_reason"),
        logprobs=given.get("logprobs"),
        extra=choice_extra(given, message),
    )


def has_content(found: Choice) -> bool:
    """Whether a choice holds a text, a tool call, or a field beside its role."""
    inner = nested_for(DIALECT, found.extra, "message")
    return bool(found.content or found.refusal or found.tool_calls or any(inner.values()))


def _call(given: Json) -> ToolCall:
    """Read a tool call of a whole response; generate an id for one without."""
    kind = name_in(given, "type") or "function"
    inner = member(given, kind)
    found = arguments(inner, kind)
    return ToolCall(
        id=name_in(given, "id") or new_call_id(),
        name=name_in(inner, "name") or "",
        arguments=found or ("{}" if kind == "function" else ""),
        kind=kind,
        extra=call_extra(given, kind, inner),
    )


def usage(given: Any, cost: Any = None) -> Usage:
    """Read the tokens.

    Args:
        given: The usage object; whatever is none has no counts.
        cost: A price in USD that the provider gives beside it.

    """
    beside = lenient.cost(cost)
    if type(given) is not dict:
        return Usage(cost_usd=beside)
    prompt = lenient_member(given, "prompt_tokens_details")
    completion = lenient_member(given, "completion_tokens_details")
    within = _cost(given)
    return Usage(
        input_tokens=lenient.count(given.get("prompt_tokens")),
        output_tokens=lenient.count(given.get("completion_tokens")),
        # DeepSeek and Kimi count the tokens read from the cache beside the details:
        # https://api-docs.deepseek.com/guides/kv_cache
        cached_tokens=_known(
            prompt.get("cached_tokens"),
            given.get("prompt_cache_hit_tokens"),
            given.get("cached_tokens"),
        ),
        reasoning_tokens=_known(completion.get("reasoning_tokens")),
        cost_usd=beside if within is None else within,
        # https://openrouter.ai/docs/use-cases/usage-accounting
        cache_write_tokens=_known(prompt.get("cache_write_tokens")),
        source=UpstreamJson(DIALECT, given),
    )


def _cost(given: Json) -> float | None:
    """Read the provider's own price of a response in USD; None without one.

    Perplexity has an object (https://docs.perplexity.ai/getting-started/pricing), DeepInfra an
    estimate (https://deepinfra.com/docs/openai_api), xAI an integer
    (https://docs.x.ai/developers/cost-tracking).
    """
    cost = given.get("cost")
    if type(cost) is dict:
        cost = cost.get("total_cost")
    if cost is None:
        cost = given.get("estimated_cost")
    if cost is None and type(ticks := given.get("cost_in_usd_ticks")) is int:
        cost = ticks / _TICKS_A_USD if 0 <= ticks <= _MOST_TICKS else None
    return lenient.cost(cost)


def _known(*values: Any) -> int | None:
    """Read the first count that is given."""
    return next((lenient.count(value) for value in values if value is not None), None)
