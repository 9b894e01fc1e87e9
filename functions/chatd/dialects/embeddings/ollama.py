"""Speak Ollama's dialect for embeddings, on `/api/embed`.

https://github.com/ollama/ollama/blob/main/docs/api.md#generate-embeddings
"""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from chatd.canonical.embedding import EmbeddingRequest, Embeddings
from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider
from chatd.dialects.embeddings import EmbeddingDialect, reading
from chatd.dialects.failures import unlike
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import name_in
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

_CHATS = "ollama"
# Fields of Ollama's own request, which a caller may send beside OpenAI's.
_OWN = ("keep_alive", "options", "truncate")


class OllamaEmbeddings:
    """Ollama's dialect."""

    example = b'{"embeddings":[[1]]}'
    # Ollama has no limit. An answer of 4,096 decimal numbers for each input stays below the 20 MB
    # that the transport reads.
    batch = 256

    def refused(self, request: EmbeddingRequest) -> tuple[str, ...]:
        """Name the fields that Ollama does not have; a null changes nothing."""
        unknown = request.extra.items()
        return tuple(name for name, value in unknown if name not in _OWN and value is not None)

    def omitted(self, request: EmbeddingRequest, api: EmbeddingsApi) -> tuple[str, ...]:  # noqa: ARG002  # the protocol's
        """Name no field: `user` changes no vector."""
        return ()

    def build(
        self, request: EmbeddingRequest, row: Provider, api: EmbeddingsApi, key: SecretStr | None
    ) -> HttpRequest:
        """Build the HTTP request; `truncate` is false, for Ollama cuts long inputs silently.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite.

        """
        body: dict[str, Any] = {"model": request.model, "input": request.texts, "truncate": False}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        body |= api.fields
        body |= {name: request.extra[name] for name in _OWN if request.extra.get(name) is not None}
        headers = base_headers(row, _CHATS, key)
        return HttpRequest(f"{row.base_url}/api/embed", headers, request_body(body))

    def parse(self, response: HttpResponse, request: EmbeddingRequest) -> Embeddings:
        """Read the response to one batch.

        Raises:
            ChatdError: If the response is a refusal or malformed.

        """
        body = reading.body_of(response)
        values = body.get("embeddings")
        if type(values) is not list:
            raise unlike(response, response.body, "its answer holds no list of vectors")
        return Embeddings(
            reading.vectors(response, request, values),
            reading.usage(request, body.get("prompt_eval_count")),
            name_in(body, "model"),
        )


_: EmbeddingDialect = OllamaEmbeddings()
