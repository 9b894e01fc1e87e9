"""Emulate structured output for a provider that does not enforce a format.

The format is described at the end of the system text, and each answer is checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.canonical.response import Response
from chatd.config.provider import Provider
from chatd.dialects import Dialect
from chatd.errors import InvalidRequestError
from chatd.json_schema.budget import Budget, WorkLimitError
from chatd.safe_json.value_count import MAX_ANSWER_VALUES, is_bounded

if TYPE_CHECKING:
    from chatd.json_schema.schema import Schema

PARAM = "format"
"""The field that an error about a schema names."""
_JSON = "Answer with one JSON object and nothing else: no explanation, no code fence."
_SCHEMA = "Answer with JSON that is valid by this JSON Schema, and nothing else: {}"


def is_enforced(request: ChatRequest, row: Provider, dialect: Dialect) -> bool:
    """Return whether the provider enforces the requested format; True without a format.

    Args:
        request: The chat.
        row: The provider's row.
        dialect: The dialect of the chat: some can demand a JSON Schema, but not any JSON object.

    """
    if request.format is None:
        return True
    if request.tools and "format_beside_tools" in row.refuses:
        return False
    takes = (
        dialect.enforces_json if request.format == "json" else row.enforces_schema(request.model)
    )
    return row.enforces_format(request.model) and takes


def described(request: ChatRequest, budget: Budget) -> ChatRequest:
    """Return the request with its format described at the end of the system text.

    Args:
        request: A request with a format.
        budget: Pays for the check of the schema.

    Raises:
        InvalidRequestError: If the schema is not valid, or too costly to check.

    """
    if isinstance(request.format, str):
        instruction = _JSON
    else:
        # An invalid schema is refused here, before a request that costs money.
        _compiled(request.format or {}, budget)
        instruction = _SCHEMA.format(json.dumps(request.format, ensure_ascii=False))
    return instructed(request, instruction)


def instructed(request: ChatRequest, instruction: str) -> ChatRequest:
    """Return the request with an instruction at the end of the system text."""
    first, *others = request.messages
    if first.role not in ("system", "developer"):
        return replace(
            request, messages=(Message("system", (Text(instruction),)), *request.messages)
        )
    first = replace(first, blocks=(*first.blocks, Text(f"\n\n{instruction}")))
    return replace(request, messages=(first, *others))


def has_format(response: Response, request: ChatRequest, budget: Budget) -> bool:
    """Return whether every choice has the format; a choice cut off at its limit need not.

    Raises:
        InvalidRequestError: If the check exceeds its budget.

    """
    return all(
        choice.finish_reason == "length"
        or choice.tool_calls
        or _choice_has_format(choice.content, request, budget)
        for choice in response.choices
    )


def _choice_has_format(content: str | None, request: ChatRequest, budget: Budget) -> bool:
    try:
        if not is_bounded((content or "").encode("utf-8", "surrogatepass"), MAX_ANSWER_VALUES):
            return False
        value = json.loads(content or "", parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    if isinstance(request.format, str):
        return isinstance(value, dict)
    schema = _compiled(request.format or {}, budget)
    try:
        return schema.allows(value, budget)
    except (WorkLimitError, RecursionError):  # the answer may be nested too deeply to compare
        raise _too_complex() from None


def _compiled(schema: Mapping[str, Any], budget: Budget) -> Schema:
    from chatd.json_schema.schema import Schema  # noqa: PLC0415  # few chats need it
    from chatd.json_schema.values import SchemaError  # noqa: PLC0415  # as above

    try:
        return Schema(schema, budget)
    except SchemaError as error:
        raise InvalidRequestError(
            f"the JSON Schema of the format cannot be used: {error}", param=PARAM
        ) from None
    except (WorkLimitError, RecursionError):
        raise _too_complex() from None


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which JSON lacks."""
    raise ValueError(constant)


def _too_complex() -> InvalidRequestError:
    return InvalidRequestError(
        "the JSON Schema of the format is too complex to check an answer with, in the steps or the"
        " time there is; use fewer references, branches and patterns, or a provider that enforces"
        " formats itself",
        param=PARAM,
        code="schema_too_complex",
    )
