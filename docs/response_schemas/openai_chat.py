"""Describe the response of `/v1/chat/completions`, whole and as the chunks of a stream.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class _Given(BaseModel):
    # A provider's own fields in a message are passed on.
    model_config = ConfigDict(extra="allow")


class CalledFunction(_Given):
    """The function that the model calls; `arguments` is the text of a JSON object."""

    name: str
    arguments: str


class CalledTool(_Given):
    """A tool call of the model."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class CompletionMessage(_Given):
    """The assistant's turn; `reasoning_content` is the model's thinking, if present."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CalledTool] | None = None


class CompletionChoice(_Given):
    """One of the choices."""

    index: int
    message: CompletionMessage
    finish_reason: FinishReason
    logprobs: Any = None


class CompletionUsage(_Given):
    """Tokens, and the provider's charge in USD if the provider reports one."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | None = None
    completion_tokens_details: dict[str, int] | None = None
    cost: float | None = None
    estimated: bool | None = None


class Rescue(_Given):
    """The models that broke off in the middle of the response, and the model that continued."""

    instead_of: Annotated[list[str], Field(alias="from")]
    by: str


class Completion(_Given):
    """A whole response."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    rescued: Rescue | None = None


class DeltaFunction(_Given):
    """A piece of a function call."""

    name: str | None = None
    arguments: str | None = None


class DeltaTool(_Given):
    """A piece of the tool call with this `index`."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: DeltaFunction | None = None


class CompletionDelta(_Given):
    """The text and tool calls that a chunk adds."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[DeltaTool] | None = None


class ChunkChoice(_Given):
    """The addition of a chunk to one of the choices."""

    index: int
    delta: CompletionDelta
    finish_reason: FinishReason | None
    logprobs: Any = None


class CompletionChunk(_Given):
    """An event of a stream. A requested `usage` is in a last event without choices."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    rescued: Rescue | None = None
