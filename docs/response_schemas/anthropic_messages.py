"""Describe the response and the error of `/v1/messages`.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from response_schemas.openai_chat import Rescue

StopReason = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
]
ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "overloaded_error",
    "api_error",
]


class _Given(BaseModel):
    # A provider's own fields are passed on.
    model_config = ConfigDict(extra="allow")


class AnthropicContent(_Given):
    """A block: `text`, `thinking`, `redacted_thinking`, `tool_use`, or another of the provider."""

    type: str


class AnthropicUsage(_Given):
    """Tokens; `input_tokens` excludes those read from and written to a cache."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int
    cost: float | None = None
    estimated: bool | None = None


class AnthropicMessage(_Given):
    """A whole response."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[AnthropicContent]
    stop_reason: StopReason
    stop_sequence: str | None
    usage: AnthropicUsage
    rescued: Rescue | None = None


class AnthropicErrorDetail(_Given):
    """The failure; `upstream_status` is present if a provider responded."""

    type: ErrorType
    message: str
    param: str | None
    code: str
    provider: str | None = None
    upstream_status: int | None = None
    request_id: str


class AnthropicError(_Given):
    """The body of a failure of `/v1/messages`."""

    type: Literal["error"]
    error: AnthropicErrorDetail
    request_id: str
