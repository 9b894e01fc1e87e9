"""Write the choices, tool calls and usage of OpenAI's chat surface.

A response that came in this dialect is written as the upstream's own JSON, with the fields
replaced that a client must find in OpenAI's form. Any other is written from the canonical form.
https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatd.canonical.content import ToolCall
from chatd.canonical.extra import Json, fields_for, nested_for
from chatd.canonical.response import Choice, Response, UpstreamJson, Usage
from chatd.canonical.served import Served

DIALECT = "openai_chat"

# The finish reasons of OpenAI's schema. Another reason of a provider means that it came to its end.
_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
# Unnamed fields of a message that stand in for its text.
_INSTEAD_OF_TEXT = ("audio", "function_call")
# The sum of the two largest counts of tokens; a longer number would not be written as JSON.
_LARGEST_TOTAL = 2 * (2**53 - 1)
_NONE: Json = {}


def completion(response: Response, served: Served) -> dict[str, Any]:
    """Write a `chat.completion`."""
    source = own(response.source)
    fields = fields_for(DIALECT, response.extra) if source is None else source.body
    choices: Sequence[Json | None] = fields["choices"] if source else [None] * len(response.choices)
    body = {
        "id": text(fields.get("id")) or response.id or own_id(served),
        "object": "chat.completion",
        "created": integer(fields.get("created"), served.created),
        "model": text(fields.get("model")) or response.model or served.model,
    }
    body = {
        **body,
        **fields,
        **body,
        "choices": [
            _choice(number, choice, given)
            for number, (choice, given) in enumerate(zip(response.choices, choices, strict=True))
        ],
        "usage": usage(response.usage),
    }
    if served.rescued is not None:
        body["rescued"] = served.rescued
    return body


def own(source: UpstreamJson | None, dialect: str = DIALECT) -> UpstreamJson | None:
    """Return the source if it is in this dialect."""
    return source if source is not None and source.dialect == dialect else None


def own_id(served: Served) -> str:
    """Make the id of a response for which the provider gives none."""
    return f"chatcmpl-{served.request_id}"


def text(value: Any) -> str | None:
    """Return a text; None if it is none or empty."""
    return value if type(value) is str and value else None


def integer(value: Any, otherwise: int) -> int:
    """Return an integer, or the other one if it is none."""
    return value if type(value) is int else otherwise


def reason(found: str | None) -> str:
    """Return the finish reason as OpenAI's schema has it."""
    return found if found in _REASONS else "stop"


def usage(found: Usage) -> dict[str, Any]:
    """Write the tokens, as the provider's own JSON where nothing changed them."""
    counts = {"prompt_tokens": found.input_tokens, "completion_tokens": found.output_tokens}
    total = found.input_tokens + found.output_tokens
    source = own(found.source)
    if source is not None:
        given = source.body.get("total_tokens")
        valid = type(given) is int and 0 <= given <= _LARGEST_TOTAL
        written = {**source.body, **counts, "total_tokens": given if valid else total}
    else:
        written = {**counts, "total_tokens": total, **_details(found)}
    if found.cost_usd is not None:
        written.setdefault("cost", found.cost_usd)
    if found.estimated:
        written["estimated"] = True
    return written


def call(found: ToolCall, given: Json | None) -> dict[str, Any]:
    """Write a tool call of a whole response.

    Args:
        found: The call.
        given: The upstream's own JSON of it; None if it has none in this dialect.

    """
    kind = found.kind
    fields = fields_for(DIALECT, found.extra) if given is None else given
    written = {**fields, "id": found.id, "type": kind}
    if kind in ("function", "custom"):
        inner = nested_for(DIALECT, found.extra, kind) if given is None else given.get(kind)
        arguments = "arguments" if kind == "function" else "input"
        written[kind] = {**(inner or _NONE), "name": found.name, arguments: found.arguments}
    return written


def _choice(number: int, choice: Choice, given: Json | None) -> dict[str, Any]:
    calls = choice.tool_calls
    if given is None:
        fields = fields_for(DIALECT, choice.extra)
        inner = nested_for(DIALECT, choice.extra, "message")
        given_calls: Sequence[Json | None] = [None] * len(calls)
    else:
        fields, inner = given, given.get("message") or _NONE
        given_calls = inner.get("tool_calls") or ()
    message = {"role": "assistant", "content": None, "refusal": None, **inner}
    message |= {"role": "assistant", "content": _content(choice, inner)}
    if choice.thinking:
        message["reasoning_content"] = choice.thinking
    if choice.refusal:
        message["refusal"] = choice.refusal
    if calls:
        message["tool_calls"] = list(map(call, calls, given_calls))
    return {
        "logprobs": choice.logprobs,
        **fields,
        "index": integer(fields.get("index"), number),
        "message": message,
        "finish_reason": reason(choice.finish_reason),
    }


def _content(choice: Choice, message: Json) -> str | None:
    """Return the text; empty where a client expects one, and null beside tool calls."""
    given = message.get("content")
    if type(given) is str:
        return given
    found = choice.content
    return None if not found and any(map(message.get, _INSTEAD_OF_TEXT)) else found


def _details(found: Usage) -> Mapping[str, Any]:
    if found.cached_tokens is found.cache_write_tokens is found.reasoning_tokens is None:
        return _NONE
    prompt = {"cached_tokens": found.cached_tokens, "cache_write_tokens": found.cache_write_tokens}
    details = {
        "prompt_tokens_details": {k: v for k, v in prompt.items() if v is not None},
        "completion_tokens_details": (
            {} if found.reasoning_tokens is None else {"reasoning_tokens": found.reasoning_tokens}
        ),
    }
    return {name: counts for name, counts in details.items() if counts}
