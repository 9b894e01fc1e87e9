"""Read a request of `/v1/messages/count_tokens` into the canonical form, and write its answer.

https://platform.claude.com/docs/en/api/messages/count_tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from chatd.canonical.request import ChatRequest
from chatd.surfaces.anthropic_messages.request import request_of
from chatd.surfaces.anthropic_messages.schema import AnthropicRequest
from chatd.surfaces.validation import checked


class AnthropicCountRequest(AnthropicRequest):
    """The body of `POST /v1/messages/count_tokens`: a chat's, without `max_tokens`.

    Claude Code also counts parts of a request without a `model`.
    """

    model: Annotated[str, Field(min_length=1, max_length=256)] | None = None  # type: ignore[assignment]  # a chat needs it
    max_tokens: Annotated[int, Field(ge=0)] | None = None  # type: ignore[assignment]  # as above


def count_request_of(headers: Mapping[str, str], body: bytes) -> ChatRequest:
    """Read a request; without a model its `model` is empty.

    Args:
        headers: The HTTP headers by lower-case name.
        body: The JSON.

    Raises:
        InvalidRequestError: With the field that is wrong as its `param`.

    """
    sent = checked(body, AnthropicCountRequest)
    filled = {"model": sent.get("model") or "", "max_tokens": sent.get("max_tokens") or 0}
    return request_of(headers, {**sent, **filled})


def count_body(input_tokens: int) -> dict[str, Any]:
    """Write the body of the answer."""
    return {"input_tokens": input_tokens}
