"""The APIs that providers offer for embeddings, one module each.

As a dialect for chats, each is pure: it builds HTTP requests and reads HTTP responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from pydantic import SecretStr

from chatd.canonical.embedding import EmbeddingRequest, Embeddings
from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider
from chatd.upstream_http import HttpRequest, HttpResponse


class EmbeddingDialect(Protocol):
    """Translates between one API for embeddings and the canonical form."""

    @property
    def example(self) -> bytes:
        """The shortest answer to a request of one input, for warm-up."""

    @property
    def batch(self) -> int:
        """The most inputs of one request."""

    def refused(self, request: EmbeddingRequest) -> tuple[str, ...]:
        """Name the caller's fields that change the vectors and have no equal in the dialect."""

    def omitted(self, request: EmbeddingRequest, api: EmbeddingsApi) -> tuple[str, ...]:
        """Name the caller's fields that the row leaves out."""

    def build(
        self, request: EmbeddingRequest, row: Provider, api: EmbeddingsApi, key: SecretStr | None
    ) -> HttpRequest:
        """Build the HTTP request for one batch; `request.model` is the provider's name."""

    def parse(self, response: HttpResponse, request: EmbeddingRequest) -> Embeddings:
        """Read the response to one batch.

        Raises:
            ChatdError: If the response is a refusal or malformed.

        """


# A module is imported when the first request goes to a provider of its dialect.
EMBEDDING_DIALECTS: Mapping[str, str] = MappingProxyType(
    {
        "ollama": "ollama.OllamaEmbeddings",
        "openai": "openai.OpenAIEmbeddings",
        "bedrock_titan": "bedrock.TitanEmbeddings",
        "bedrock_titan_v1": "bedrock.TitanV1Embeddings",
        "bedrock_cohere": "bedrock.CohereEmbeddings",
        "bedrock_nova": "bedrock.NovaEmbeddings",
    }
)


@cache
def load_embedding_dialect(name: str) -> EmbeddingDialect:
    """Load a dialect by its name in EMBEDDING_DIALECTS."""
    module, _, kind = EMBEDDING_DIALECTS[name].rpartition(".")
    loaded = import_module(f"chatd.dialects.embeddings.{module}")
    return cast("EmbeddingDialect", getattr(loaded, kind)())
