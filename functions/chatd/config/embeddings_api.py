"""Describe how a provider makes embeddings: dialect, limits and departures from the dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingsApi:
    """A provider's API for embeddings.

    Attributes:
        dialect: The dialect of the requests, a key of `EMBEDDING_DIALECTS`; None: only the models
            of `model_dialects` make embeddings.
        model_dialects: The dialects of models that have another one: a regular expression for the
            beginning of the model's name, in any case, and the dialect. The first match holds.
        batch: The most inputs of one request; None: the dialect's own limit.
        tokens: Whether an input may be an array of tokens.
        base64: Whether the provider takes `encoding_format: "base64"`.
        drops: Fields that the provider refuses; they are left out and named.
        renames: The provider's names for fields of a request, by OpenAI's names.
        fields: Fields that a request gets if the caller does not send them.

    """

    dialect: str | None
    model_dialects: tuple[tuple[str, str], ...] = ()
    batch: int | None = None
    tokens: bool = False
    base64: bool = True
    drops: tuple[str, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def dialect_of(self, model: str) -> str | None:
        """Name the dialect for a model; None for a model without embeddings.

        Args:
            model: The provider's name for the model.

        """
        for pattern, dialect in self.model_dialects:
            if re.match(pattern, model, re.IGNORECASE):
                return dialect
        return self.dialect


_APIS: Mapping[str, EmbeddingsApi] = MappingProxyType(
    {
        "ollama": EmbeddingsApi("ollama"),
        "openai_chat": EmbeddingsApi("openai"),
        # The first part of a name may be the regions of an inference profile, such as `us.`.
        "bedrock_converse": EmbeddingsApi(
            None,
            model_dialects=(
                (r"([a-z-]+\.)?cohere\.embed", "bedrock_cohere"),
                (r"([a-z-]+\.)?amazon\.nova.*-embed", "bedrock_nova"),
                (r"([a-z-]+\.)?amazon\.titan-embed-(text-v1|g1)", "bedrock_titan_v1"),
                (r"([a-z-]+\.)?amazon\.titan-embed-text", "bedrock_titan"),
            ),
        ),
    }
)


def embeddings_of(dialect: str) -> EmbeddingsApi | None:
    """Return the API of a provider with this dialect for chats; None if it has no embeddings."""
    return _APIS.get(dialect)
