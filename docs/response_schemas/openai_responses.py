"""Describe the response of `/v1/responses`.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Given(BaseModel):
    # A provider's own fields are passed on.
    model_config = ConfigDict(extra="allow")


class OutputItem(_Given):
    """An item of the model, such as reasoning, a message or a tool call."""

    id: str
    type: str


class InputTokensDetails(_Given):
    """Input tokens read from the provider's cache, and written to it."""

    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(_Given):
    """Output tokens of reasoning."""

    reasoning_tokens: int


class ResponseUsage(_Given):
    """Tokens, and the provider's charge in USD if the provider reports one."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int
    cost: float | None = None
    estimated: Literal[True] | None = None


class IncompleteDetails(_Given):
    """Why the response is incomplete."""

    reason: str


class Response(_Given):
    """A response, with the fields of the request repeated."""

    id: str
    object: Literal["response"]
    created_at: float
    status: Literal["completed", "incomplete", "failed", "in_progress"]
    error: dict[str, Any] | None
    incomplete_details: IncompleteDetails | None
    model: str
    output: list[OutputItem]
    usage: ResponseUsage | None
    store: bool
    previous_response_id: str | None
