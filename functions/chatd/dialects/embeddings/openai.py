"""Speak OpenAI's dialect for embeddings, on `/embeddings`.

https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from chatd.canonical.embedding import EmbeddingRequest, Embeddings
from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider
from chatd.dialects.embeddings import EmbeddingDialect, reading
from chatd.dialects.failures import malformed, unlike
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import ShapeError, lenient_member, name_in, objects
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

# The dialect of the same providers for chats: its row has the URL and the key's header.
_CHATS = "openai_chat"
_ANSWER = frozenset({"object", "data", "model", "usage"})
_ITEM = frozenset({"object", "index", "embedding"})


class OpenAIEmbeddings:
    """OpenAI's dialect, with the corrections of a provider's row."""

    example = b'{"data":[{"embedding":[1]}]}'
    # OpenAI takes 2,048. With 256, an answer of 3,072 decimal numbers for each input stays below
    # the 20 MB that the transport reads, and the batches run side by side.
    batch = 256

    def refused(self, request: EmbeddingRequest) -> tuple[str, ...]:  # noqa: ARG002  # the protocol's
        """Name no field: unknown fields are passed on."""
        return ()

    def omitted(self, request: EmbeddingRequest, api: EmbeddingsApi) -> tuple[str, ...]:
        """Name the fields that the row drops."""
        return tuple(name for name in api.drops if request.source.get(name) is not None)

    def build(
        self, request: EmbeddingRequest, row: Provider, api: EmbeddingsApi, key: SecretStr | None
    ) -> HttpRequest:
        """Build the HTTP request: the caller's JSON, with the row's corrections.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite.

        """
        body: dict[str, Any] = {**api.fields, **request.source, "model": request.model}
        if len(request.inputs) < _inputs(body):
            body["input"] = request.inputs
        if body.get("encoding_format") == "base64" and not api.base64:
            body["encoding_format"] = "float"
        for name in api.drops:
            body.pop(name, None)
        for name, new_name in api.renames.items():
            if name in body:
                body[new_name] = body.pop(name)
        headers = base_headers(row, _CHATS, key)
        return HttpRequest(row.url(_CHATS, "/embeddings"), headers, request_body(body))

    def parse(self, response: HttpResponse, request: EmbeddingRequest) -> Embeddings:
        """Read the response to one batch.

        Raises:
            ChatdError: If the response is a refusal or malformed.

        """
        body = reading.body_of(response)
        try:
            items = objects(body.get("data"), len(request.inputs))
        except ShapeError:
            raise unlike(response, response.body, "its answer holds no list of vectors") from None
        if not items:
            raise unlike(response, response.body, "its answer holds no vectors")
        items = _in_order(response, items)
        found = reading.vectors(response, request, [item.get("embedding") for item in items])
        usage = lenient_member(body, "usage")
        return Embeddings(
            found,
            reading.usage(
                request, usage.get("prompt_tokens") or usage.get("total_tokens"), usage.get("cost")
            ),
            name_in(body, "model"),
            [{name: item[name] for name in item.keys() - _ITEM} for item in items],
            {name: body[name] for name in body.keys() - _ANSWER},
        )


def _inputs(body: Mapping[str, Any]) -> int:
    given = body["input"]
    return len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1


def _in_order(response: HttpResponse, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort the items by index, which is an item's place where the provider gives none.

    Raises:
        UpstreamError: If two items have one index, or an index is of no input.

    """
    by_index: dict[Any, dict[str, Any]] = {}
    try:
        for place, item in enumerate(items):
            index = item.get("index")
            by_index[place if index is None else index] = item
        return [by_index[index] for index in range(len(items))]
    except (KeyError, TypeError):
        raise malformed(
            response, "the indexes of its vectors are not those of the inputs"
        ) from None


_: EmbeddingDialect = OpenAIEmbeddings()
