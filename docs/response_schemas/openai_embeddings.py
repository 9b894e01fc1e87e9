"""Describe the response of `/v1/embeddings`.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Given(BaseModel):
    # A provider's own fields are passed on.
    model_config = ConfigDict(extra="allow")


class EmbeddingItem(_Given):
    """One vector: numbers, or base64 of little-endian float32 numbers."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """The tokens of the inputs; `cost` in USD, if the provider gives it."""

    prompt_tokens: int
    total_tokens: int
    cost: float | None = None
    estimated: Literal[True] | None = None


class EmbeddingList(_Given):
    """The body of the response."""

    object: Literal["list"]
    data: list[EmbeddingItem]
    model: str
    usage: EmbeddingUsage
