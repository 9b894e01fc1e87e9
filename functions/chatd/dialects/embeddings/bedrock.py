"""Speak the dialects of the embedding models on Amazon Bedrock, on `/model/{id}/invoke`.

Each vendor's models have a body of their own. Bedrock counts the input tokens in a header:
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from chatd.canonical.embedding import EmbeddingRequest, Embeddings
from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider
from chatd.dialects.bedrock_converse import exceptions
from chatd.dialects.embeddings import EmbeddingDialect, reading
from chatd.dialects.failures import unlike
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import ShapeError, objects
from chatd.dialects.vendors.bedrock import metadata_header
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

_COUNT = re.compile(r"[0-9]{1,15}")
_TOKENS = "x-amzn-bedrock-input-token-count"
# Cohere's input types, which callers of other clouds send too, as purposes of Nova.
_PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "search_document": "GENERIC_INDEX",
        "search_query": "GENERIC_RETRIEVAL",
        "classification": "CLASSIFICATION",
        "clustering": "CLUSTERING",
    }
)
_NOVA_DIMENSIONS = 3072


class _Invoked:
    """Build and read the requests of every vendor: route, headers, and fields of the caller.

    A subclass writes the body of a request, and finds the vectors in an answer.
    """

    example = b""
    batch = 1
    fields: frozenset[str] = frozenset()

    def refused(self, request: EmbeddingRequest) -> tuple[str, ...]:
        """Name the fields that the model's API does not have; a null changes nothing."""
        unknown = request.extra.items()
        return tuple(
            name for name, value in unknown if name not in self.fields and value is not None
        )

    def omitted(self, request: EmbeddingRequest, api: EmbeddingsApi) -> tuple[str, ...]:  # noqa: ARG002  # the protocol's
        """Name no field: `user` changes no vector."""
        return ()

    def build(
        self, request: EmbeddingRequest, row: Provider, api: EmbeddingsApi, key: SecretStr | None
    ) -> HttpRequest:
        """Build the HTTP request.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite.

        """
        given = {
            name: request.extra[name] for name in self.fields if request.extra.get(name) is not None
        }
        body = self._body(request, {**api.fields, **given})
        url = f"{row.base_url}/model/{quote(request.model, safe='')}/invoke"
        headers = {**base_headers(row, row.dialect, key), **metadata_header(request.caller, row)}
        return HttpRequest(url, headers, request_body(body))

    def parse(self, response: HttpResponse, request: EmbeddingRequest) -> Embeddings:
        """Read the response to one batch.

        Raises:
            ChatdError: If the response is a refusal or malformed.

        """
        body = reading.body_of(response, exceptions.refusal)
        try:
            values = self._vectors(body)
        except ShapeError:
            values = None
        if type(values) is not list:
            raise unlike(response, response.body, "its answer holds no vectors")
        tokens = _number(response.headers.get(_TOKENS)) or body.get("inputTextTokenCount")
        found = reading.vectors(response, request, values)
        return Embeddings(found, reading.usage(request, tokens))

    def _body(self, request: EmbeddingRequest, given: dict[str, Any]) -> dict[str, Any]:
        """Write the body of a request; `given` has the row's and the caller's own fields."""
        raise NotImplementedError

    def _vectors(self, body: dict[str, Any]) -> Any:
        """Find the list of vectors in an answer.

        Raises:
            ShapeError: If the answer has another shape.

        """
        raise NotImplementedError


class TitanEmbeddings(_Invoked):
    """Amazon Titan Text Embeddings V2, which takes one text a request.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
    """

    example = b'{"embedding":[1]}'
    fields = frozenset({"normalize"})

    def _body(self, request: EmbeddingRequest, given: dict[str, Any]) -> dict[str, Any]:
        body: dict[str, Any] = {"inputText": request.texts[0], **given}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        return body

    def _vectors(self, body: dict[str, Any]) -> Any:
        return [body.get("embedding")]


class TitanV1Embeddings(TitanEmbeddings):
    """Amazon Titan Embeddings G1, which takes the text alone."""

    fields = frozenset()

    def refused(self, request: EmbeddingRequest) -> tuple[str, ...]:
        """Name also `dimensions`: all vectors have 1,536."""
        fixed = () if request.dimensions is None else ("dimensions",)
        return (*fixed, *super().refused(request))


class CohereEmbeddings(_Invoked):
    """Cohere Embed, which requires the purpose of the vectors.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
    """

    example = b'{"embeddings":{"float":[[1]]}}'
    batch = 96
    fields = frozenset({"input_type", "truncate"})

    def _body(self, request: EmbeddingRequest, given: dict[str, Any]) -> dict[str, Any]:
        body = {
            "texts": request.texts,
            "input_type": "search_document",
            "truncate": "NONE",
            "embedding_types": ["float"],
            **given,
        }
        if request.dimensions is not None:
            body["output_dimension"] = request.dimensions
        return body

    def _vectors(self, body: dict[str, Any]) -> Any:
        found = body.get("embeddings")
        return found.get("float") if isinstance(found, dict) else found


class NovaEmbeddings(_Invoked):
    """Amazon Nova Multimodal Embeddings, which takes one text a request.

    https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
    """

    example = b'{"embeddings":[{"embedding":[1]}]}'
    fields = frozenset({"embeddingPurpose", "input_type"})

    def _body(self, request: EmbeddingRequest, given: dict[str, Any]) -> dict[str, Any]:
        meant = given.get("input_type") or "search_document"
        purpose = given.get("embeddingPurpose") or _PURPOSES.get(str(meant), meant)
        return {
            "schemaVersion": "nova-multimodal-embed-v1",
            "taskType": "SINGLE_EMBEDDING",
            "singleEmbeddingParams": {
                "embeddingPurpose": purpose,
                "embeddingDimension": request.dimensions or _NOVA_DIMENSIONS,
                "text": {"truncationMode": "NONE", "value": request.texts[0]},
            },
        }

    def _vectors(self, body: dict[str, Any]) -> Any:
        return [item.get("embedding") for item in objects(body.get("embeddings"), most=1)]


def _number(text: str | None) -> int | None:
    """Read a header's number of up to 15 digits."""
    return int(text) if text is not None and _COUNT.fullmatch(text) else None


_: tuple[EmbeddingDialect, ...] = (
    TitanEmbeddings(),
    TitanV1Embeddings(),
    CohereEmbeddings(),
    NovaEmbeddings(),
)
