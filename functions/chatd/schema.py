"""Answers in a form, from a provider that does not enforce one: ask in words, check, ask again.

It knows the internal form and JSON Schema, and nothing of providers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chatd.answer import Answer
from chatd.chat import ChatRequest, Message, Text
from chatd.errors import InvalidRequestError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_JSON = "Answer with one JSON object and nothing else: no explanation, no code fence."
_SCHEMA = "Answer with JSON that is valid by this JSON Schema, and nothing else: {}"


def asked(request: ChatRequest) -> ChatRequest:
    """The request with its format asked for in words, at the end of the system text.

    Raises:
        InvalidRequestError: If the schema is none.

    """
    if isinstance(request.format, str):
        words = _JSON
    else:
        # A schema that is none is better refused before it costs anything.
        _validator(dict(request.format or {}))
        words = _SCHEMA.format(json.dumps(request.format, ensure_ascii=False))
    first, *others = request.messages
    if first.role not in ("system", "developer"):
        return replace(request, messages=(Message("system", (Text(words),)), *request.messages))
    told = replace(first, content=(*first.content, Text(f"\n\n{words}")))
    return replace(request, messages=(told, *others))


def holds(answer: Answer, request: ChatRequest) -> bool:
    """Whether every choice has the form that was asked for; one cut off at its limit may not."""
    return all(
        choice.finish_reason == "length" or choice.tool_calls or _fits(choice.content, request)
        for choice in answer.choices
    )


def _fits(content: str | None, request: ChatRequest) -> bool:
    try:
        value = json.loads(content or "")
    except (ValueError, RecursionError):
        return False
    if isinstance(request.format, str):
        return isinstance(value, dict)
    return bool(_validator(dict(request.format or {})).is_valid(value))


def _validator(schema: dict[str, Any]) -> Validator:
    """A validator that fetches nothing, whatever the schema refers to."""
    from jsonschema import Draft202012Validator, SchemaError, validators  # noqa: PLC0415  # costly
    from referencing import Registry  # noqa: PLC0415  # as above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # as above

    try:
        kind = validators.validator_for(schema, default=Draft202012Validator)
        kind.check_schema(schema)
        validator = kind(schema, registry=Registry())
        validator.is_valid(None)
    except (SchemaError, Unresolvable, RecursionError):
        raise InvalidRequestError(
            "the schema of the format is not a JSON Schema that stands by itself", param="format"
        ) from None
    return validator
