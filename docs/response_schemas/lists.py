"""Describe the responses besides chats: lists, health, and the shape of every error."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(_Given):
    """The failure; `upstream_status` is present if a provider responded."""

    message: str
    type: str
    param: str | None
    code: str
    provider: str | None = None
    upstream_status: int | None = None
    request_id: str


class ErrorBody(_Given):
    """The body of every failure; outside every surface it has Anthropic's fields beside `error`."""

    type: Literal["error"] = "error"
    request_id: str | None = None
    error: ErrorDetail


class ProviderEntry(_Given):
    """A registered provider; `reason` is present if the provider is unavailable."""

    name: str
    available: bool
    prefixes: list[str]
    dialect: str
    reason: str | None = None


class ProviderList(_Given):
    """The registered providers, and the provider of a model without a prefix (null: none)."""

    default: str | None
    providers: list[ProviderEntry]


class Health(_Given):
    """The gateway runs."""

    status: Literal["ok"]
    version: str


class ModelAbilities(_Given):
    """The abilities of a model; an unknown one is absent."""

    tools: bool | None = None
    images: bool | None = None
    pdfs: bool | None = None
    thinking: bool | None = None
    sampling: bool | None = None
    prefill: bool | None = None


class ModelEntry(_Given):
    """A model, by the id that a request takes. Its date is unknown: `created` is 0."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    context_length: int | None = None
    max_output_tokens: int | None = None
    capabilities: ModelAbilities | None = None


class ModelList(_Given):
    """The tiers, and the current models of the registered providers."""

    object: Literal["list"]
    data: list[ModelEntry]


class Support(_Given):
    """The support of one ability."""

    supported: bool


class EffortSupport(Support):
    """The levels of effort that a model supports."""

    low: Support
    medium: Support
    high: Support
    max: Support


class ServerToolsSupport(Support):
    """The server tools that a model supports."""

    web_search: Support
    code_execution: Support


class ThinkingTypes(_Given):
    """The ways to think that a model supports."""

    adaptive: Support
    enabled: Support


class ThinkingSupport(Support):
    """The ways of thinking of a model."""

    types: ThinkingTypes


class AnthropicCapabilities(_Given):
    """The abilities of a model through the gateway; an unknown one counts as unsupported."""

    batch: Support
    citations: Support
    code_execution: Support
    context_management: Support
    effort: EffortSupport
    image_input: Support
    pdf_input: Support
    server_tools: ServerToolsSupport
    structured_outputs: Support
    thinking: ThinkingSupport


class AnthropicModel(_Given):
    """A model in Anthropic's shape, without a date; null stands for an unknown value."""

    type: Literal["model"]
    id: str
    display_name: str
    created_at: str
    max_input_tokens: int | None
    max_tokens: int | None
    capabilities: AnthropicCapabilities | None
    lifecycle: Literal["active"]


class AnthropicModelPage(_Given):
    """One page of the models, in Anthropic's shape."""

    data: list[AnthropicModel]
    has_more: bool
    first_id: str | None
    last_id: str | None


class AnthropicTokenCount(_Given):
    """The number of a request's input tokens."""

    input_tokens: int
