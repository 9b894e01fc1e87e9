"""What a provider that speaks OpenAI's chat dialect answers, whole and in a stream's chunks.

The providers differ in what they leave out, so only what an answer cannot be without is required:
https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from chatd.wire.limits import MAX_CHOICES, MAX_MODELS, MAX_TOOL_CALLS, items

Count = Annotated[int, Field(ge=0)]


class _Got(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)


class OpenAIErrorDetail(_Got):
    """`code` is a number at OpenRouter and a string elsewhere."""

    message: str | None = None
    type: str | None = None
    code: int | str | None = None


class OpenAIError(_Got):
    """The body of a failure; at OpenRouter it often comes under status 200."""

    error: OpenAIErrorDetail | str


class OpenAIFunction(_Got):
    """A function that the model calls, or a piece of the call."""

    name: str | None = None
    arguments: str | None = None


class OpenAIToolCall(_Got):
    """A tool call, or a piece of one; in a stream `index` says of which."""

    index: Count = 0
    id: str | None = None
    function: OpenAIFunction = OpenAIFunction()


class OpenAIMessage(_Got):
    """The assistant's turn, or a piece of it; `reasoning` is OpenRouter's name for thinking."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: Annotated[list[OpenAIToolCall], items(MAX_TOOL_CALLS)] | None = None


class OpenAIDetails(_Got):
    """Which of the tokens were special."""

    cached_tokens: Count | None = None
    reasoning_tokens: Count | None = None


class OpenAIUsage(_Got):
    """Tokens, and at OpenRouter what they cost in USD."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    prompt_tokens_details: OpenAIDetails | None = None
    completion_tokens_details: OpenAIDetails | None = None
    cost: float | None = None


class OpenAIChoice(_Got):
    """One of the answers."""

    message: OpenAIMessage
    finish_reason: str | None = None
    logprobs: Any = None


class OpenAIChat(_Got):
    """A whole answer of `/chat/completions`; OpenCode gives its cost in USD as a text."""

    error: OpenAIErrorDetail | str | None = None
    model: str | None = None
    choices: Annotated[list[OpenAIChoice], items(MAX_CHOICES)] = []
    usage: OpenAIUsage | None = None
    cost: float | None = None


class OpenAIDelta(_Got):
    """What a chunk adds to a choice; Kimi gives the usage here."""

    index: Count = 0
    delta: OpenAIMessage = OpenAIMessage()
    finish_reason: str | None = None
    logprobs: Any = None
    usage: OpenAIUsage | None = None


class OpenAIChunk(_Got):
    """A chunk of a stream."""

    error: OpenAIErrorDetail | str | None = None
    model: str | None = None
    choices: Annotated[list[OpenAIDelta], items(MAX_CHOICES)] = []
    usage: OpenAIUsage | None = None
    cost: float | None = None


class OpenAIModel(_Got):
    """A model that the provider serves."""

    id: Annotated[str, Field(min_length=1)]


class OpenAIModels(_Got):
    """The answer of `/models`."""

    data: Annotated[list[OpenAIModel], items(MAX_MODELS)] = []
