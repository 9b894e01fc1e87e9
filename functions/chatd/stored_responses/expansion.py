"""Replace the references of a request by the stored items.

https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.request_size import MAX_REQUEST_BYTES
from chatd.safe_json.value_count import MAX_VALUES, is_bounded
from chatd.stored_responses.caller_responses import CallerResponses, Conversation, too_large

# Each hundred take one call to the table.
MAX_REFERENCES = 2_000
_REFERENCE = "item_reference"
# An escape may hide either name.
_MARKS = (b"previous_response_id", b"item_reference", b"\\u")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@dataclass(frozen=True, slots=True)
class Expansion:
    """A request whose references are replaced.

    Attributes:
        body: The request as JSON, for a surface without a store.
        sent: The items of this turn, with stored items in the place of references; None: those of
            `body`, as no reference was in it.
        previous_response_id: The id of the response that the request continues.
        earlier: The conversation up to that response.

    """

    body: bytes = field(repr=False)
    sent: Sequence[Any] | None = field(default=None, repr=False)
    previous_response_id: str | None = None
    earlier: Conversation = field(default=Conversation(), repr=False)


def expand(body: bytes, responses: CallerResponses) -> Expansion:
    """Replace `previous_response_id` and each `item_reference` by the items.

    A body that is not JSON, or of another shape, is returned as it is: its surface refuses it.

    Args:
        body: The request as JSON.
        responses: The caller's stored responses; not read for a request without references.

    Raises:
        InvalidRequestError: If a response or an item is not stored, or there are too many.
        RequestTooLargeError: If the request with its stored items is over 5 MB.
        StoreUnavailableError: If the store cannot be read.

    """
    request = _parsed(body)
    previous = request.get("previous_response_id")
    items = items_of(request)
    references = _references(items)
    if previous is None and not references:
        return Expansion(body)
    earlier = Conversation() if previous is None else _conversation(previous, responses)
    sent = _replaced(items, references, responses, MAX_REQUEST_BYTES - len(earlier.items))
    return Expansion(_written(request, earlier, sent), sent, previous, earlier)


def items_of(request: Mapping[str, Any]) -> Sequence[Any]:
    """Return the items of a request's input; a text is the message of a user."""
    given = request.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return given if isinstance(given, list) else []


def _parsed(body: bytes) -> dict[str, Any]:
    """Parse a request that may hold a reference; return {} for any other."""
    if not any(mark in body for mark in _MARKS):
        return {}
    try:
        request = from_json(body)
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def _references(items: Sequence[Any]) -> dict[int, str]:
    """Return the id of each reference by its place."""
    found = {}
    for place, item in enumerate(items):
        if isinstance(item, dict) and item.get("type") == _REFERENCE:
            name = item.get("id")
            if not isinstance(name, str):
                raise InvalidRequestError(
                    "an item_reference needs the id of an item", param=f"input.{place}.id"
                )
            found[place] = name
    if len(set(found.values())) > MAX_REFERENCES:
        raise InvalidRequestError(
            f"there are more than {MAX_REFERENCES:,} references; send items in their place",
            param="input",
        )
    return found


def _conversation(previous: Any, responses: CallerResponses) -> Conversation:
    if not isinstance(previous, str):
        raise InvalidRequestError("it is not the id of a response", param="previous_response_id")
    found = responses.conversation(previous)
    if found is None:
        raise InvalidRequestError(
            f"Previous response with id {quoted(previous)} not found: it or an earlier response"
            " of its conversation has expired, was deleted, had `store: false`, or belongs to"
            " another caller",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return found


def _replaced(
    items: Sequence[Any], references: Mapping[int, str], responses: CallerResponses, most: int
) -> list[Any]:
    """Return the items with stored ones in the place of references, of at most so many bytes."""
    stored = responses.items(sorted(set(references.values()))) if references else {}
    replaced = list(items)
    for place, name in references.items():
        if name not in stored:
            raise InvalidRequestError(
                f"Item with id {quoted(name)} not found: its response has expired, was deleted,"
                " had `store: false`, or belongs to another caller; send the item itself",
                param=f"input.{place}.id",
                code="item_not_found",
            )
        # A thousand references may name one large item.
        most -= len(stored[name])
        if most < 0:
            raise too_large()
        replaced[place] = from_json(stored[name])
    return replaced


def _written(request: Mapping[str, Any], earlier: Conversation, sent: Sequence[Any]) -> bytes:
    """Write the request with all items in its input."""
    rest = {
        name: value
        for name, value in request.items()
        if name not in ("input", "previous_response_id")
    }
    # A number that is not finite stays one, so that the surface refuses it.
    items = to_json(sent, inf_nan_mode="constants")[1:-1]
    joined = b",".join(part for part in (earlier.items, items) if part)
    body = to_json({**rest, "input": []}, inf_nan_mode="constants")
    body = body.removesuffix(b"[]}") + b"[" + joined + b"]}"
    if len(body) > MAX_REQUEST_BYTES:
        raise too_large()
    if not is_bounded(body):
        raise RequestTooLargeError(
            f"the request and its stored items hold more than {MAX_VALUES:,} JSON values"
        )
    return body


def quoted(name: str) -> str:
    """Quote an id for a message, unless it has the form of no id."""
    return repr(name) if _ID.fullmatch(name) else "of this form"
