"""What callers of `/v1/chat` send; native_answers.py has what they get.

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
