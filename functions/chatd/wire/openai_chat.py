"""What a provider that speaks OpenAI's chat dialect answers.

The providers differ in what they leave out, so only what an answer cannot be without is required:
https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class _Got(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)


class OpenAIErrorDetail(_Got):
    """`code` is a number at OpenRouter and a string elsewhere."""

    message: str | None = None
    type: str | None = None
    code: int | str | None = None


class OpenAIError(_Got):
    """The body of a failure; at OpenRouter it often comes under status 200."""

    error: OpenAIErrorDetail | str


class OpenAIMessage(_Got):
    """The assistant's turn; `reasoning` is OpenRouter's name for its thinking."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[Any] | None = None


class OpenAIChoice(_Got):
    """One of the answers; we ask for one."""

    message: OpenAIMessage
    finish_reason: str | None = None


class OpenAIUsage(_Got):
    """Tokens."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class OpenAIChat(_Got):
    """A whole answer of `/chat/completions`."""

    error: OpenAIErrorDetail | str | None = None
    model: str | None = None
    choices: list[OpenAIChoice] = []
    usage: OpenAIUsage | None = None
