"""Describe the response of `/v1/chat`, which surfaces/native/surface.py writes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class _Origin(BaseModel):
    model: str
    provider: str


class _Text(BaseModel):
    content: str
    thinking: str | None = None


class Rescue(BaseModel):
    """The models that broke off in the middle of the response, and the model that continued."""

    instead_of: Annotated[list[str], Field(alias="from")]
    by: str


class _Totals(BaseModel):
    input_tokens: int
    output_tokens: int
    finish_reason: str | None
    latency_ms: int
    request_id: str
    warning: str | None = None
    usage_estimated: bool | None = None
    rescued: Rescue | None = None


# The fields of the last base class are written first.
class NativeAnswer(_Totals, _Text, _Origin):
    """The response of `/v1/chat`, and of a direct invocation."""
