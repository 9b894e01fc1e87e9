"""The shape of a request of `/v1/responses`.

https://platform.openai.com/docs/api-reference/responses/create. Fields, items and tools that are
not named here are accepted at every level and passed on: OpenAI adds kinds of them often.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chatd.safe_json.item_limits import (
    MAX_MESSAGES,
    MAX_PARTS,
    MAX_STOPS,
    MAX_TOOLS,
    items,
)

Number = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=128)]
Filled = Annotated[str, Field(min_length=1)]


class _Sent(BaseModel):
    model_config = ConfigDict(
        extra="allow", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class ResponsesPart(_Sent):
    """A part of an item's content; of other parts than texts and images no field is checked."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Filled | None = None


Content = str | Annotated[list[ResponsesPart], items(MAX_PARTS)]


class ResponsesMessage(_Sent):
    """A message; its `type` may be left out."""

    type: Literal["message"] | None = None
    role: Literal["system", "developer", "user", "assistant"]
    content: Content | None = None


class ResponsesFunctionCall(_Sent):
    """A call of a function; `arguments` is the text of a JSON object."""

    type: Literal["function_call"]
    call_id: Filled
    name: Filled
    arguments: str
    namespace: str | None = None


class ResponsesCustomCall(_Sent):
    """A call of a custom tool, with free text as its input."""

    type: Literal["custom_tool_call"]
    call_id: Filled
    name: Filled
    input: str
    namespace: str | None = None


class ResponsesCallOutput(_Sent):
    """The result of a call."""

    type: Literal["function_call_output", "custom_tool_call_output"]
    call_id: Filled
    output: Content


class ResponsesReasoning(_Sent):
    """Reasoning of the model, which the caller sends back."""

    type: Literal["reasoning"]
    summary: Annotated[list[ResponsesPart], items(MAX_PARTS)] | None = None
    content: Annotated[list[ResponsesPart], items(MAX_PARTS)] | None = None
    encrypted_content: str | None = None


class ResponsesInnerTool(_Sent):
    """A tool of a namespace."""

    type: str
    name: Name | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: dict[str, Any] | None = None


class ResponsesTool(ResponsesInnerTool):
    """A tool that the model may call; `tools` are those of a namespace."""

    tools: Annotated[list[ResponsesInnerTool], items(MAX_TOOLS)] | None = None


class ResponsesMoreTools(_Sent):
    """Tools in the place of an item, as Codex sends them."""

    type: Literal["additional_tools"]
    tools: Annotated[list[ResponsesTool], items(MAX_TOOLS)]


class ResponsesOtherItem(_Sent):
    """An item of another kind, of which no field is checked."""

    type: str


_CALL_OUTPUT = "OpenAICallOutput"
# The tag of each kind of item. Errors leave out names that begin with `OpenAI`.
_TAGS = {
    None: "OpenAIMessage",
    "message": "OpenAIMessage",
    "function_call": "OpenAIFunctionCall",
    "custom_tool_call": "OpenAICustomCall",
    "function_call_output": _CALL_OUTPUT,
    "custom_tool_call_output": _CALL_OUTPUT,
    "reasoning": "OpenAIReasoning",
    "additional_tools": "OpenAIMoreTools",
}


def _tag(item: Any) -> str:
    kind = item.get("type") if isinstance(item, dict) else ""
    return _TAGS.get(kind, "OpenAIItem") if isinstance(kind, str | None) else "OpenAIItem"


ResponsesItem = Annotated[
    Annotated[ResponsesMessage, Tag("OpenAIMessage")]
    | Annotated[ResponsesFunctionCall, Tag("OpenAIFunctionCall")]
    | Annotated[ResponsesCustomCall, Tag("OpenAICustomCall")]
    | Annotated[ResponsesCallOutput, Tag(_CALL_OUTPUT)]
    | Annotated[ResponsesReasoning, Tag("OpenAIReasoning")]
    | Annotated[ResponsesMoreTools, Tag("OpenAIMoreTools")]
    | Annotated[ResponsesOtherItem, Tag("OpenAIItem")],
    Discriminator(_tag),
]


class ResponsesFormat(_Sent):
    """The format of the answer."""

    type: Literal["text", "json_object", "json_schema"]
    name: Filled | None = None
    description: str | None = None
    # `schema` is a method of every pydantic model.
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class ResponsesText(_Sent):
    """Options of the answer's text."""

    format: ResponsesFormat | None = None


class ResponsesReasoningOptions(_Sent):
    """Options of the model's reasoning."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"] | None = (
        None
    )


class ResponsesRequest(_Sent):
    """The body of `POST /v1/responses`."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: str | Annotated[list[ResponsesItem], items(MAX_MESSAGES, at_least=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(gt=0)] | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: Annotated[list[ResponsesTool], items(MAX_TOOLS)] | None = None
    tool_choice: Literal["auto", "none", "required", "any"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: ResponsesText | None = None
    reasoning: ResponsesReasoningOptions | None = None
    include: Annotated[list[str], items(MAX_STOPS)] | None = None
    metadata: dict[str, Any] | None = None
    store: bool | None = None
    # A store replaces it by the items of the conversation before the surface reads the request.
    previous_response_id: str | None = None
    background: bool | None = None
    stream: bool | None = None
