"""Embed texts as the models of Titan, Cohere and Nova do on `/model/{id}/invoke`.

The vectors are hashes of the texts, so that equal texts have equal vectors.
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v4.html and
https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tests.support.bedrock.errors import demand
from tests.support.bedrock.models import Model

Json = Mapping[str, Any]
_COHERE_MOST = 96
_COHERE_TYPES = ("search_document", "search_query", "classification", "clustering")
_TITAN_SIZES = (256, 512, 1024)
_NOVA_SIZES = (256, 384, 1024, 3072)
_NOVA_SCHEMA = "nova-multimodal-embed-v1"


def embedded(model: Model, body: Json) -> tuple[Json, int]:
    """Return the body of the response, and the number of tokens.

    Raises:
        BedrockError: If Bedrock refuses the request.

    """
    if model.vendor == "cohere":
        return _cohere(model, body)
    return _nova(body) if "nova" in model.id else _titan(model, body)


def vector(text: str, size: int) -> list[float]:
    """Return the vector of a text."""
    digest = hashlib.sha256(text.encode()).digest()
    return [(digest[number % len(digest)] - 128) / 128 for number in range(size)]


def tokens(text: str) -> int:
    """Return the number of tokens of a text: its words."""
    return len(text.split())


def _titan(model: Model, body: Json) -> tuple[Json, int]:
    is_old = model.id.endswith("v1")
    allowed = {"inputText"} | (set() if is_old else {"dimensions", "normalize", "embeddingTypes"})
    for name in sorted(body.keys() - allowed):
        demand(condition=False, message=f"extraneous key [{name}] is not permitted")
    text = body.get("inputText")
    demand(isinstance(text, str) and text, "required key [inputText] not found")
    size = body.get("dimensions", 1536 if is_old else 1024)
    demand(is_old or size in _TITAN_SIZES, f"{size} is not a valid enum value")
    found = vector(str(text), size)
    answer = {"embedding": found, "inputTextTokenCount": tokens(str(text))}
    return (answer if is_old else {**answer, "embeddingsByType": {"float": found}}), tokens(
        str(text)
    )


def _cohere(model: Model, body: Json) -> tuple[Json, int]:
    texts = body.get("texts")
    demand(isinstance(texts, list) and texts, "Malformed input request: texts is missing")
    assert isinstance(texts, list)
    demand(len(texts) <= _COHERE_MOST, "#/texts: expected maximum item count: 96")
    demand(body.get("input_type") in _COHERE_TYPES, "Malformed input request: input_type")
    is_v4 = "v4" in model.id
    demand(is_v4 or "output_dimension" not in body, "extraneous key [output_dimension]")
    size = body.get("output_dimension", 1536 if is_v4 else 1024)
    found = [vector(text, size) for text in texts]
    typed = bool(body.get("embedding_types"))
    answer = {
        "id": "2b7e1516-28ae-d2a6-abf7-158809cf4f3c",
        "texts": texts,
        "embeddings": {"float": found} if typed else found,
        "response_type": "embeddings_by_type" if typed else "embeddings_floats",
    }
    return answer, sum(map(tokens, texts))


def _nova(body: Json) -> tuple[Json, int]:
    demand(body.get("schemaVersion") == _NOVA_SCHEMA, "schemaVersion is not supported")
    demand(body.get("taskType") == "SINGLE_EMBEDDING", "taskType is not supported")
    given = body["singleEmbeddingParams"]
    demand(given.get("embeddingPurpose"), "embeddingPurpose is required")
    size = given.get("embeddingDimension", 3072)
    demand(size in _NOVA_SIZES, f"embeddingDimension {size} is not supported")
    text = given["text"]
    demand(text.get("truncationMode") in ("START", "END", "NONE"), "truncationMode is required")
    found = {"embeddingType": "TEXT", "embedding": vector(text["value"], size)}
    return {"embeddings": [found]}, tokens(text["value"])
