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


class ModelEntry(_Given):
    """A model, by the id that a request takes. Its date is unknown: `created` is 0."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(_Given):
    """The tiers, and the current models of the registered providers."""

    object: Literal["list"]
    data: list[ModelEntry]


class AnthropicModel(_Given):
    """A model in Anthropic's shape; its date is unknown, and null stands for what is not known."""

    type: Literal["model"]
    id: str
    display_name: str
    created_at: str
    max_input_tokens: None
    max_tokens: None
    capabilities: None
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
