"""Read a request of OpenAI's embeddings API into the canonical form.

https://platform.openai.com/docs/api-reference/embeddings/create
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.canonical.embedding import EmbeddingRequest, Input
from chatd.canonical.extra import unnamed
from chatd.surfaces.openai_embeddings.schema import EmbeddingsRequest
from chatd.surfaces.validation import checked

_NAMES = frozenset(EmbeddingsRequest.model_fields)


def embedding_request_of(body: bytes) -> EmbeddingRequest:
    """Read a request.

    Args:
        body: The JSON.

    Raises:
        InvalidRequestError: With the field that is wrong as its `param`.

    """
    sent = checked(body, EmbeddingsRequest)
    return EmbeddingRequest(
        model=sent["model"],
        inputs=_inputs(sent["input"]),
        encoding=sent.get("encoding_format") or "float",
        dimensions=sent.get("dimensions"),
        source=sent,
        extra=unnamed(sent, _NAMES),
    )


def _inputs(given: Any) -> Sequence[Input]:
    """Return the inputs; a text, or the tokens of one, is one input."""
    return [given] if isinstance(given, str) or isinstance(given[0], int) else given
