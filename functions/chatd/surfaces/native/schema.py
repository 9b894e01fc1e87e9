"""The shape of a request of `/v1/chat`.

Values are strict: `"5"` is not a number. The surface refuses an unknown field, so that a misspelt
field is never without effect; pydantic's own `forbid` would keep an error for each of them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatd.safe_json.item_limits import MAX_MESSAGES, items


class _Sent(BaseModel):
    model_config = ConfigDict(
        extra="allow",
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        json_schema_extra={"additionalProperties": False},
    )


class NativeMessage(_Sent):
    """One turn of the conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class NativeRequest(_Sent):
    """The body of `POST /v1/chat`, and of a direct invocation."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[NativeMessage], items(MAX_MESSAGES, at_least=1)]
    temperature: float | None = None
    # -1 is no limit, as on OpenAI's surface.
    max_tokens: Annotated[int, Field(gt=0)] | Literal[-1] | None = None
    format: Literal["json"] | dict[str, Any] | None = None
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    stream: bool | None = None
