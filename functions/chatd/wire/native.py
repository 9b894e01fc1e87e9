"""What callers of `/v1/chat` send and get.

Values are strict: `"5"` is not a number here, and a field that we do not know is an error, so that
a misspelt one is never silently without effect.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Sent(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class NativeMessage(_Sent):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class NativeRequest(_Sent):
    """The body of `POST /v1/chat`, and of a direct invocation."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[NativeMessage], Field(min_length=1)]
    temperature: float | None = None
    max_tokens: Annotated[int, Field(gt=0)] | None = None
    format: Literal["json"] | dict[str, Any] | None = None
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    stream: bool | None = None


class _Who(BaseModel):
    model: str
    provider: str


class _Said(BaseModel):
    content: str
    thinking: str | None = None


class Rescue(BaseModel):
    """Who broke off in the middle of the answer, and who went on with it."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    instead_of: Annotated[list[str], Field(alias="from")]
    by: str


class _Took(BaseModel):
    input_tokens: int
    output_tokens: int
    finish_reason: str | None
    latency_ms: int
    request_id: str
    warning: str | None = None
    usage_estimated: bool | None = None
    rescued: Rescue | None = None


class NativeTotals(_Took, _Who):
    """The last event of a stream, where `done` is true besides."""


# The last base comes first when it is written.
class NativeAnswer(_Took, _Said, _Who):
    """The answer of `/v1/chat`, and of a direct invocation."""
