"""Write the response object of OpenAI's Responses surface.

A response that came in this dialect is written as the upstream's own JSON, with the fields
replaced that failover and the gateway change. Any other is written from the canonical form.
https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from chatd.canonical.extra import NOTHING, Json, fields_for
from chatd.canonical.maker import tagged
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Choice, Response, UpstreamJson, Usage
from chatd.canonical.served import Served
from chatd.surfaces.openai_responses.output import (
    OutputItems,
    annotations_of,
    id_token,
    logprobs_of,
    maker_of,
)
from chatd.surfaces.openai_responses.parts import DIALECT

# Bytes of the request's fields that a response repeats. Beyond it they are left out, as a response
# of 6 MB is the most that Lambda returns.
_MOST_REPEATED = 256 * 1024
# The fields of the request that a response repeats in any case, and their values if not given.
_REPEATED: Json = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": None,
    "top_p": None,
    "truncation": "disabled",
}
# Those that a response repeats where they are given.
_REPEATED_IF_GIVEN = ("prompt_cache_key", "safety_identifier", "service_tier", "user")
_MERGED = ("reasoning", "text")
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
# The sum of the two largest counts of tokens; a longer number would not be written as JSON.
_LARGEST_TOTAL = 2 * (2**53 - 1)


class ResponseObject:
    """The fields that all states of one response have.

    Args:
        request: The request, whose fields the response repeats.
        request_id: The invocation's id.

    Attributes:
        token: The part that all ids of the response have.
        created: Seconds since 1970.
        model: The provider's name of the model, once it is known.

    """

    def __init__(self, request: ChatRequest, request_id: str) -> None:
        self.token = id_token(request_id)
        self.created: float = int(time.time())
        self.model: str | None = None
        self._asked = request.model
        self._repeated = _repeated(request)

    def own(self) -> dict[str, Any]:
        """Return the fields that replace those of an upstream's own JSON."""
        return {
            "id": f"resp_{self.token}",
            "object": "response",
            "created_at": self.created,
            "model": self.model or self._asked,
            "store": False,
        }

    def of(self, status: str, output: Sequence[Json], **more: Any) -> dict[str, Any]:
        """Write the response.

        Args:
            status: Its status.
            output: Its items.
            more: `usage`, `error`, `incomplete_details` and unnamed fields.

        """
        own = self.own()
        return {
            "id": own["id"],
            "object": "response",
            "created_at": self.created,
            "status": status,
            "background": False,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": None,
            "incomplete_details": None,
            "previous_response_id": None,
            **self._repeated,
            "usage": None,
            **more,
            **own,
            "output": output,
        }

    def forwarded(self, given: Json, **more: Any) -> dict[str, Any]:
        """Write the response from the upstream's own JSON, with missing fields added."""
        output, created = given.get("output"), given.get("created_at")
        items = output if isinstance(output, list) else []
        if type(created) is int or type(created) is float:
            self.created = created
        written = {**self.of(str(given.get("status") or "completed"), items), **given}
        return {**written, "output": items, **more, **self.own()}


def whole(request: ChatRequest, response: Response, served: Served) -> dict[str, Any]:
    """Write a whole response."""
    written = ResponseObject(request, served.request_id)
    written.created, written.model = served.created, response.model or served.model
    more: dict[str, Any] = {"usage": usage(response.usage)}
    if served.rescued is not None:
        more["rescued"] = served.rescued
    source = own(response.source)
    if source is not None:
        for item in source.body.get("output") or ():
            tag(item, maker_of(served))
        return written.forwarded(source.body, **more)
    choice = response.first
    status, details = ending(choice.finish_reason)
    output = _output(choice, written.token, maker_of(served), complete=status == "completed")
    fields = fields_for(DIALECT, response.extra)
    return written.of(status, output, **{**fields, "incomplete_details": details, **more})


def ending(reason: str | None) -> tuple[str, dict[str, Any] | None]:
    """Return the status and the incomplete details for a finish reason."""
    found = _INCOMPLETE.get(reason or "")
    return ("completed", None) if found is None else ("incomplete", {"reason": found})


def own(source: UpstreamJson | None) -> UpstreamJson | None:
    """Return the source if it is in this dialect."""
    return source if source is not None and source.dialect == DIALECT else None


def tag(item: Any, maker: str) -> None:
    """Tag the encrypted reasoning of an upstream's own item with its maker, in place."""
    if type(item) is dict and item.get("type") == "reasoning":
        token = item.get("encrypted_content")
        if type(token) is str:
            item["encrypted_content"] = tagged(maker, token)


def usage(found: Usage) -> dict[str, Any]:
    """Write the tokens, as the provider's own JSON where nothing changed them."""
    counts = {"input_tokens": found.input_tokens, "output_tokens": found.output_tokens}
    total = found.input_tokens + found.output_tokens
    source = own(found.source)
    given = NOTHING if source is None else source.body
    stated = given.get("total_tokens")
    valid = type(stated) is int and 0 <= stated <= _LARGEST_TOTAL
    written = {
        **given,
        "input_tokens": counts["input_tokens"],
        "input_tokens_details": {
            "cached_tokens": found.cached_tokens or 0,
            "cache_write_tokens": found.cache_write_tokens or 0,
            **_details(given, "input_tokens_details"),
        },
        "output_tokens": counts["output_tokens"],
        "output_tokens_details": {
            "reasoning_tokens": found.reasoning_tokens or 0,
            **_details(given, "output_tokens_details"),
        },
        "total_tokens": stated if valid else total,
    }
    if found.cost_usd is not None:
        written.setdefault("cost", found.cost_usd)
    if found.estimated:
        written["estimated"] = True
    return written


def _details(given: Json, name: str) -> Json:
    found = given.get(name)
    return found if type(found) is dict else NOTHING


def _output(choice: Choice, token: str, maker: str, *, complete: bool) -> list[dict[str, Any]]:
    items = OutputItems(token, maker, logprobs_of(choice.logprobs), annotations_of(choice.extra))
    return items.write(choice.blocks, complete=complete)


def _repeated(request: ChatRequest) -> Json:
    """Return the request's fields that a response repeats."""
    source = request.source
    if source is None or source.dialect != DIALECT:
        return _REPEATED
    body = source.body
    given = {name: body[name] for name in _REPEATED if body.get(name) is not None}
    given |= {name: body[name] for name in _REPEATED_IF_GIVEN if body.get(name) is not None}
    for name in _MERGED:
        if name in given:
            given[name] = {**_REPEATED[name], **given[name]}
    if len(to_json(given, inf_nan_mode="null")) > _MOST_REPEATED:
        return _REPEATED
    return {**_REPEATED, **given}
