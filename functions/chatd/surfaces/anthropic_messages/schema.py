"""The shape of a request of `/v1/messages`.

https://platform.claude.com/docs/en/api/messages. Fields that are not named here are accepted at
every level and passed on: Claude Code sends fields of new betas before they are documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chatd.safe_json.item_limits import MAX_MESSAGES, MAX_PARTS, MAX_STOPS, MAX_TOOLS, items

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Sent(BaseModel):
    model_config = ConfigDict(
        extra="allow", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class AnthropicText(_Sent):
    """A text."""

    type: Literal["text"]
    text: str


class AnthropicSource(_Sent):
    """The content of an image or a document: `base64`, `text`, `url`, or of another kind."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class AnthropicImage(_Sent):
    """An image."""

    type: Literal["image"]
    source: AnthropicSource


class AnthropicDocument(_Sent):
    """A document: a PDF file or a plain text."""

    type: Literal["document"]
    source: AnthropicSource
    title: str | None = None


class AnthropicThinking(_Sent):
    """The model's readable thinking, with its signature if the model gave one."""

    type: Literal["thinking"]
    thinking: str
    signature: str | None = None


class AnthropicRedactedThinking(_Sent):
    """The model's encrypted thinking."""

    type: Literal["redacted_thinking"]
    data: str


class AnthropicToolUse(_Sent):
    """A tool call of the model."""

    type: Literal["tool_use"]
    id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    input: dict[str, Any]


class AnthropicOther(_Sent):
    """A block of another kind; no field but its type is checked."""

    type: str


def _branch(*kinds: str) -> Discriminator:
    """Make the selection of a block's model by its type."""
    models = {kind: f"Anthropic.{kind}" for kind in kinds}

    def branch(block: Any) -> str:
        kind = block.get("type") if isinstance(block, Mapping) else None
        return models.get(kind, "Anthropic.other") if isinstance(kind, str) else "Anthropic.other"

    return Discriminator(branch)


AnthropicResultBlock = Annotated[
    Annotated[AnthropicText, Tag("Anthropic.text")]
    | Annotated[AnthropicImage, Tag("Anthropic.image")]
    | Annotated[AnthropicDocument, Tag("Anthropic.document")]
    | Annotated[AnthropicOther, Tag("Anthropic.other")],
    _branch("text", "image", "document"),
]


class AnthropicToolResult(_Sent):
    """The result of a tool call."""

    type: Literal["tool_result"]
    tool_use_id: Annotated[str, Field(min_length=1)]
    content: str | Annotated[list[AnthropicResultBlock], items(MAX_PARTS)] | None = None
    is_error: bool | None = None


AnthropicBlock = Annotated[
    Annotated[AnthropicText, Tag("Anthropic.text")]
    | Annotated[AnthropicImage, Tag("Anthropic.image")]
    | Annotated[AnthropicDocument, Tag("Anthropic.document")]
    | Annotated[AnthropicThinking, Tag("Anthropic.thinking")]
    | Annotated[AnthropicRedactedThinking, Tag("Anthropic.redacted_thinking")]
    | Annotated[AnthropicToolUse, Tag("Anthropic.tool_use")]
    | Annotated[AnthropicToolResult, Tag("Anthropic.tool_result")]
    | Annotated[AnthropicOther, Tag("Anthropic.other")],
    _branch(
        *("text", "image", "document", "thinking", "redacted_thinking", "tool_use", "tool_result")
    ),
]


class AnthropicTurn(_Sent):
    """One message of the conversation; a system turn may stand in its middle."""

    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[AnthropicBlock], items(MAX_PARTS)]


class AnthropicTool(_Sent):
    """A tool: without a type or `custom` the caller's own, which has a name and a schema.

    Of a server's tool no field is checked but those here.
    """

    type: str | None = None
    name: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class AnthropicToolChoice(_Sent):
    """Which tool the model must call: `auto`, `any`, `tool` with a name, or `none`."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class AnthropicThinkingConfig(_Sent):
    """Whether the model thinks: `adaptive`, `enabled`, `disabled`, or of another kind."""

    type: str
    budget_tokens: int | None = None


class AnthropicFormat(_Sent):
    """The format of the answer; for the type `json_schema` it has a schema."""

    type: str
    # `schema` is a method of every pydantic model.
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class AnthropicOutputConfig(_Sent):
    """How hard the model works, and the format of the answer."""

    effort: str | None = None
    format: AnthropicFormat | None = None


class AnthropicRequest(_Sent):
    """The body of `POST /v1/messages`."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    max_tokens: Annotated[int, Field(ge=0)]
    messages: Annotated[list[AnthropicTurn], items(MAX_MESSAGES, at_least=1)]
    system: str | Annotated[list[AnthropicBlock], items(MAX_PARTS)] | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    top_k: Annotated[int, Field(ge=0)] | None = None
    stop_sequences: Annotated[list[str], items(MAX_STOPS)] | None = None
    tools: Annotated[list[AnthropicTool], items(MAX_TOOLS)] | None = None
    tool_choice: AnthropicToolChoice | None = None
    thinking: AnthropicThinkingConfig | None = None
    output_config: AnthropicOutputConfig | None = None
    # The older name of `output_config.format`.
    output_format: AnthropicFormat | None = None
    stream: bool | None = None
