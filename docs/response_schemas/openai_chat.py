"""What callers of `/v1/chat/completions` get, whole and in a stream's chunks.

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
    """A tool call that the model asks for."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class CompletionMessage(_Given):
    """The assistant's turn; `reasoning_content` is the model's thinking, where it shows any."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CalledTool] | None = None


class CompletionChoice(_Given):
    """One of the answers."""

    index: int
    message: CompletionMessage
    finish_reason: FinishReason
    logprobs: Any = None


class CompletionUsage(_Given):
    """Tokens, and what the provider charges in USD if it says so."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, int] | None = None
    completion_tokens_details: dict[str, int] | None = None
    cost: float | None = None
    estimated: bool | None = None


class Rescue(_Given):
    """Who broke off in the middle of the answer, and who went on with it."""

    instead_of: Annotated[list[str], Field(alias="from")]
    by: str


class Completion(_Given):
    """A whole answer."""

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
    """A piece of a tool call; `index` says of which."""

    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: DeltaFunction | None = None


class CompletionDelta(_Given):
    """What a chunk adds."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[DeltaTool] | None = None


class ChunkChoice(_Given):
    """What a chunk adds to one of the answers."""

    index: int
    delta: CompletionDelta
    finish_reason: FinishReason | None
    logprobs: Any = None


class CompletionChunk(_Given):
    """An event of a stream. `usage` is in a last one without choices, if it was asked for."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None
    rescued: Rescue | None = None
