"""What a provider that speaks OpenAI's chat dialect answers, whole and in a stream's chunks.

The providers differ in what they leave out or write as null, so only what an answer cannot be
without is required: https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Fields of
type Any come in several shapes, which dialects/lenient.py reads.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from chatd.safe_json.item_limits import MAX_CHOICES, MAX_MODELS, MAX_PARTS, MAX_TOOL_CALLS, items

# A text, or as at Mistral and at gateways before other vendors a list of parts.
Content = Annotated[
    str | Annotated[list[Any], items(MAX_PARTS)] | None, Field(union_mode="left_to_right")
]


# What is kept of a stream is kept for each choice.
ChoiceIndex = Annotated[int, Field(ge=0, lt=MAX_CHOICES)]


class _Got(BaseModel):
    model_config = ConfigDict(
        hide_input_in_errors=True, defer_build=True, coerce_numbers_to_str=True
    )


class OpenAIFunction(_Got):
    """A function that the model calls, or a piece of the call."""

    name: str | None = None
    arguments: Any = None


class OpenAIToolCall(_Got):
    """A tool call, or a piece of one; in a stream `index` says of which, if the server gives it."""

    index: int | None = None
    id: str | None = None
    function: OpenAIFunction | None = None


class OpenAIMessage(_Got):
    """The assistant's turn, or a piece of it; `reasoning` is OpenRouter's name for thinking."""

    model_config = ConfigDict(extra="allow")  # the rest is the parent's

    role: str | None = None
    content: Content = None
    reasoning_content: Content = None
    reasoning: Content = None
    tool_calls: Annotated[list[OpenAIToolCall], items(MAX_TOOL_CALLS)] | None = None


class OpenAIDetails(_Got):
    """Which of the tokens were special."""

    cached_tokens: Any = None
    reasoning_tokens: Any = None


class OpenAIUsage(_Got):
    """Tokens, and at OpenRouter what they cost in USD."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: OpenAIDetails | None = None
    completion_tokens_details: OpenAIDetails | None = None
    cost: Any = None


class OpenAIChoice(_Got):
    """One of the answers."""

    message: OpenAIMessage | None = None
    finish_reason: str | None = None
    logprobs: Any = None


class OpenAIChatResponse(_Got):
    """A whole answer of `/chat/completions`; OpenCode gives its cost in USD as a text."""

    error: Any = None
    model: str | None = None
    choices: Annotated[list[OpenAIChoice], items(MAX_CHOICES)] | None = None
    usage: OpenAIUsage | None = None
    cost: Any = None


class OpenAIDelta(_Got):
    """What a chunk adds to a choice; Kimi gives the usage here."""

    index: ChoiceIndex | None = None
    delta: OpenAIMessage | None = None
    finish_reason: str | None = None
    logprobs: Any = None
    usage: OpenAIUsage | None = None


class OpenAIChunk(_Got):
    """A chunk of a stream."""

    error: Any = None
    model: str | None = None
    choices: Annotated[list[OpenAIDelta], items(MAX_CHOICES)] | None = None
    usage: OpenAIUsage | None = None
    cost: Any = None


class OpenAIModels(_Got):
    """The answer of `/models`."""

    data: Annotated[list[Any], items(MAX_MODELS)] | None = None
