"""The shape of a request of `/v1/chat/completions`.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Fields that are not named here
are accepted at every level and passed on: OpenAI and other vendors add fields often.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatd.safe_json.item_limits import (
    MAX_MESSAGES,
    MAX_PARTS,
    MAX_STOPS,
    MAX_TOOL_CALLS,
    MAX_TOOLS,
    items,
)

# -1 is no limit, as at vLLM, llama-server and LM Studio.
MaxTokens = Annotated[int, Field(gt=0)] | Literal[-1]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra", "default"]
Number = Annotated[float, Field(allow_inf_nan=False)]


class _Sent(BaseModel):
    model_config = ConfigDict(
        extra="allow", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class OpenAIImageUrl(_Sent):
    """An image: an https URL, or a data URL with its content."""

    url: Annotated[str, Field(min_length=1)]


class OpenAIPart(_Sent):
    """A part of a turn's content; of other parts than texts and images no field is checked."""

    type: str
    text: str | None = None
    # A text is the URL alone, as Ollama's own example sends it:
    # https://docs.ollama.com/api/openai-compatibility
    image_url: OpenAIImageUrl | Annotated[str, Field(min_length=1)] | None = None


class OpenAIFunctionCall(_Sent):
    """A call of a function; `arguments` is the text of a JSON object."""

    name: Annotated[str, Field(min_length=1)]
    arguments: str


class OpenAIToolCall(_Sent):
    """A tool call in an assistant's turn. Calls of other kinds than a function are not checked."""

    id: str
    type: str = "function"
    function: OpenAIFunctionCall | None = None


class OpenAITurn(_Sent):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | Annotated[list[OpenAIPart], items(MAX_PARTS)] | None = None
    name: str | None = None
    tool_calls: Annotated[list[OpenAIToolCall], items(MAX_TOOL_CALLS)] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class OpenAIFunction(_Sent):
    """A function that the model may call."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class OpenAITool(_Sent):
    """A tool that the model may call. Tools of other kinds than a function are not checked."""

    type: str
    function: OpenAIFunction | None = None


class OpenAIJsonSchema(_Sent):
    """A JSON Schema for the answer."""

    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    # `schema` is a method of every pydantic model.
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class OpenAIResponseFormat(_Sent):
    """The format of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: OpenAIJsonSchema | None = None


class OpenAIStreamOptions(_Sent):
    """Options of a stream."""

    include_usage: bool | None = None


class OpenAIRequest(_Sent):
    """The body of `POST /v1/chat/completions`."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    messages: Annotated[list[OpenAITurn], items(MAX_MESSAGES, at_least=1)]
    temperature: Number | None = None
    top_p: Number | None = None
    max_tokens: MaxTokens | None = None
    max_completion_tokens: MaxTokens | None = None
    stop: str | Annotated[list[str], items(MAX_STOPS)] | None = None
    seed: int | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[OpenAITool], items(MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required", "any"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: OpenAIResponseFormat | None = None
    reasoning_effort: Effort | None = None
    stream: bool | None = None
    stream_options: OpenAIStreamOptions | None = None
