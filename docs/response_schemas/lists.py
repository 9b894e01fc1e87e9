"""What callers get besides chats: lists, health, and the one shape of every error."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(_Given):
    """What went wrong; `upstream_status` is there if a provider answered."""

    message: str
    type: str
    param: str | None
    code: str
    provider: str | None = None
    upstream_status: int | None = None
    request_id: str


class ErrorBody(_Given):
    """The body of every failure."""

    error: ErrorDetail


class ProviderEntry(_Given):
    """A registered provider; `reason` says why it is not available."""

    name: str
    available: bool
    prefixes: list[str]
    dialect: str
    reason: str | None = None


class ProviderList(_Given):
    """The registered providers, and where a model without a prefix goes (null: nowhere)."""

    default: str | None
    providers: list[ProviderEntry]


class Health(_Given):
    """That the gateway runs."""

    status: Literal["ok"]
    version: str


class ModelEntry(_Given):
    """A model that can be asked for by its id. Nobody says when it was made: `created` is 0."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(_Given):
    """The tiers, and the models that the registered providers have right now."""

    object: Literal["list"]
    data: list[ModelEntry]
