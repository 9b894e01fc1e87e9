"""What callers of `/v1/chat` get, for the description of the API: surfaces/native.py writes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class _Who(BaseModel):
    model: str
    provider: str


class _Said(BaseModel):
    content: str
    thinking: str | None = None


class Rescue(BaseModel):
    """Who broke off in the middle of the answer, and who went on with it."""

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


# The last base comes first when it is written.
class NativeAnswer(_Took, _Said, _Who):
    """The answer of `/v1/chat`, and of a direct invocation."""
