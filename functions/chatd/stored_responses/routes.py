"""Answer GET and DELETE of stored responses.

https://platform.openai.com/docs/api-reference/responses/get
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatd.aws_lambda.events import LambdaEvent
from chatd.aws_lambda.http import Response, answered
from chatd.errors import InvalidRequestError, ResponseNotFoundError
from chatd.stored_responses.caller_responses import CallerResponses
from chatd.stored_responses.expansion import quoted

# OpenAI's limits of a page of input items.
_PAGE, _MAX_PAGE = 20, 100


def retrieve(responses: CallerResponses, event: LambdaEvent) -> Response:
    """Return a stored response, unchanged.

    Raises:
        InvalidRequestError: If the response is requested as a stream.
        ResponseNotFoundError: If the caller has no such response.
        StoreUnavailableError: If the store cannot be read.

    """
    if (_query(event).get("stream") or "false").lower() != "false":
        raise InvalidRequestError("a stored response is returned whole", param="stream")
    name = _id(event)
    found = responses.get(name)
    if found is None:
        raise _not_found(name)
    return answered(found.body)


def delete(responses: CallerResponses, event: LambdaEvent) -> Response:
    """Delete a response with its items.

    Raises:
        ResponseNotFoundError: If the caller has no such response.
        StoreUnavailableError: If the store cannot be reached.

    """
    name = _id(event)
    if not responses.delete(name):
        raise _not_found(name)
    return answered({"id": name, "object": "response", "deleted": True})


def input_items(responses: CallerResponses, event: LambdaEvent) -> Response:
    """Return a page of the items that the caller sent in the turn of a response.

    An item without an id gets one, from its place.

    Raises:
        InvalidRequestError: If `limit`, `order` or `after` is wrong.
        ResponseNotFoundError: If the caller has no such response.
        StoreUnavailableError: If the store cannot be read.

    """
    name = _id(event)
    found = responses.get(name)
    if found is None:
        raise _not_found(name)
    items = [_listed(item, f"item_{n}_{name}") for n, item in enumerate(found.input_items)]
    page, more = _page(items, event)
    return answered(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": more,
        }
    )


def _listed(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Write an item in its full form: with an id, a type and parts of content."""
    listed = {"id": name, "type": "message", **item}
    if not listed["id"]:
        listed["id"] = name
    if isinstance(text := item.get("content"), str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        listed["content"] = [{"type": kind, "text": text}]
    return listed


def _page(
    items: Sequence[Mapping[str, Any]], event: LambdaEvent
) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """Return the page that the query selects, and whether items follow."""
    query = _query(event)
    limit, order = query.get("limit") or str(_PAGE), query.get("order") or "desc"
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= _MAX_PAGE):
        raise InvalidRequestError(f"it must be from 1 to {_MAX_PAGE}", param="limit")
    if order not in ("asc", "desc"):
        raise InvalidRequestError("it must be asc or desc", param="order")
    ordered = list(items) if order == "asc" else list(reversed(items))
    start = 0
    if after := query.get("after"):
        places = [place for place, item in enumerate(ordered) if item["id"] == after]
        if not places:
            raise InvalidRequestError("no item has this id", param="after")
        start = places[0] + 1
    end = start + int(limit)
    return ordered[start:end], end < len(ordered)


def _id(event: LambdaEvent) -> str:
    return str((event.get("pathParameters") or {}).get("id") or "")


def _query(event: LambdaEvent) -> Mapping[str, str]:
    return event.get("queryStringParameters") or {}


def _not_found(name: str) -> ResponseNotFoundError:
    return ResponseNotFoundError(
        f"Response with id {quoted(name)} not found: it has expired, was deleted, had"
        " `store: false`, or belongs to another caller"
    )
