"""The embedding models of Bedrock get their own bodies, signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chat.app
from chatd.config.embeddings_api import embeddings_of
from tests.chatd.conftest import forget
from tests.support.bedrock.embeddings import vector
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.fake import FakeBedrock, fake_bedrock
from tests.support.bedrock.signatures import Key
from tests.support.embeddings import PATH, embed, vectors_of
from tests.support.functions import LambdaContext, http_event
from tests.support.upstream import reply

TITAN = "bedrock/amazon.titan-embed-text-v2:0"
TITAN_V1 = "bedrock/amazon.titan-embed-text-v1"
COHERE = "bedrock/cohere.embed-v4:0"
NOVA = "bedrock/amazon.nova-2-multimodal-embeddings-v1:0"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeBedrock]:
    with fake_bedrock() as running:
        yield running


@pytest.fixture
def bedrock(server: FakeBedrock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    """Serve a Bedrock to the row `bedrock`."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", Key().id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", Key().secret)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    server.log.clear()
    server.refused.clear()
    server.upcoming.clear()
    yield server
    assert server.refused == []


BODIES: dict[str, tuple[str, dict[str, Any], dict[str, Any], int]] = {
    "Titan": (TITAN, {}, {"inputText": "Hello world"}, 1024),
    "Titan's fields": (
        TITAN,
        {"dimensions": 256, "normalize": False, "user": "u"},
        {"inputText": "Hello world", "dimensions": 256, "normalize": False},
        256,
    ),
    "Titan v1": (TITAN_V1, {}, {"inputText": "Hello world"}, 1536),
    "Cohere": (
        COHERE,
        {},
        {
            "texts": ["Hello world"],
            "input_type": "search_document",
            "truncate": "NONE",
            "embedding_types": ["float"],
        },
        1536,
    ),
    "Cohere's fields": (
        COHERE,
        {"dimensions": 256, "input_type": "search_query", "truncate": "END"},
        {
            "texts": ["Hello world"],
            "input_type": "search_query",
            "truncate": "END",
            "embedding_types": ["float"],
            "output_dimension": 256,
        },
        256,
    ),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_model_gets_the_body_of_its_vendor(bedrock: FakeBedrock, case: str) -> None:
    model, more, expected, size = BODIES[case]

    result = embed(model, "Hello world", **more)

    assert vectors_of(result.json) == [vector("Hello world", size)]
    assert result.json["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    (sent,) = bedrock.log
    assert (sent.way, sent.body) == ("sigv4", expected)
    assert sent.path == f"/model/{model.partition('/')[2].replace(':', '%3A')}/invoke"


@pytest.mark.parametrize(
    ("more", "purpose", "size"),
    [
        ({}, "GENERIC_INDEX", 3072),
        ({"dimensions": 384}, "GENERIC_INDEX", 384),
        ({"input_type": "search_query"}, "GENERIC_RETRIEVAL", 3072),
        ({"input_type": "TEXT_RETRIEVAL"}, "TEXT_RETRIEVAL", 3072),
        ({"embeddingPurpose": "CLUSTERING"}, "CLUSTERING", 3072),
    ],
)
def test_nova_gets_a_purpose_and_a_size(
    bedrock: FakeBedrock, more: dict[str, Any], purpose: str, size: int
) -> None:
    result = embed(NOVA, "Hello world", **more)

    assert vectors_of(result.json) == [vector("Hello world", size)]
    assert bedrock.last.body == {
        "schemaVersion": "nova-multimodal-embed-v1",
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": {
            "embeddingPurpose": purpose,
            "embeddingDimension": size,
            "text": {"truncationMode": "NONE", "value": "Hello world"},
        },
    }


@pytest.mark.parametrize(("model", "requests"), [(TITAN, 10), (NOVA, 10), (COHERE, 1)])
def test_several_texts_are_one_request_each_where_the_model_takes_one(
    bedrock: FakeBedrock, model: str, requests: int
) -> None:
    texts = [f"text {number}" for number in range(10)]

    result = embed(model, texts, dimensions=256)

    assert vectors_of(result.json) == [vector(text, 256) for text in texts]
    assert result.json["usage"]["prompt_tokens"] == 20
    assert len(bedrock.log) == requests


def test_cohere_gets_96_texts_in_a_request(bedrock: FakeBedrock) -> None:
    assert len(vectors_of(embed(COHERE, ["a"] * 100, dimensions=256).json)) == 100
    assert sorted(len(sent.body["texts"]) for sent in bedrock.log) == [4, 96]


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (TITAN, "input_type", "search_query"),
        (TITAN_V1, "dimensions", 256),
        (TITAN_V1, "normalize", True),
        (COHERE, "embedding_types", ["int8"]),
    ],
)
def test_a_field_that_a_model_lacks_is_a_400(
    bedrock: FakeBedrock, model: str, field: str, value: object
) -> None:
    result = embed(model, "Hello", **{field: value})

    assert (result.status, result.json["error"]["param"]) == (400, field)
    assert bedrock.log == []


EXCEPTIONS: dict[str, tuple[BedrockError, int, str, int]] = {
    "a refusal": (
        BedrockError("ValidationException", "arn:aws:bedrock:us-east-1:111122223333:m is wrong"),
        *(400, "ValidationException", 1),
    ),
    "a text that is too long": (
        BedrockError("ValidationException", "Too many input tokens. Max input tokens: 8192"),
        *(400, "context_length_exceeded", 1),
    ),
    "throttling": (BedrockError("ThrottlingException", "slow"), 429, "rate_limit_exceeded", 3),
    "a model that is loading": (
        BedrockError("ModelNotReadyException", "loading"),
        *(429, "rate_limit_exceeded", 3),
    ),
    "a missing permission": (
        BedrockError("AccessDeniedException", "no"),
        *(502, "upstream_access_denied", 1),
    ),
}


@pytest.mark.parametrize("case", EXCEPTIONS)
def test_an_exception_of_bedrock_is_mapped_without_account_ids(
    bedrock: FakeBedrock, case: str
) -> None:
    error, status, code, attempts = EXCEPTIONS[case]
    bedrock.upcoming.extend([error] * attempts)

    result = embed(TITAN, "Hello")

    assert (result.status, result.json["error"]["code"]) == (status, code)
    assert "111122223333" not in str(result.json)
    assert len(bedrock.log) == attempts


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TITAN, {"embedding": None}),
        (TITAN, {}),
        (COHERE, {"embeddings": {"int8": [[1]]}}),
        (COHERE, {"embeddings": 1}),
        (NOVA, {"embeddings": [1]}),
        (NOVA, {"embeddings": [{}, {}]}),
        (NOVA, {"embeddings": []}),
    ],
)
def test_an_answer_without_vectors_is_a_502(
    bedrock: FakeBedrock, model: str, body: dict[str, Any]
) -> None:
    bedrock.upcoming.extend([reply(body)] * 3)

    assert embed(model, "Hello").status == 502


def test_the_caller_is_request_metadata_where_the_row_says_so(
    bedrock: FakeBedrock, config: Path
) -> None:
    embed(TITAN, "Hello")
    assert "x-amzn-bedrock-request-metadata" not in bedrock.last.headers

    config.write_text("[providers.bedrock]\ncaller_metadata = true\n")
    forget()
    event = http_event("POST", PATH, json.dumps({"model": TITAN, "input": "Hello"}))
    event["requestContext"]["authorizer"] = {"principalId": "team a"}
    chat.app.lambda_handler(event, LambdaContext())

    metadata = bedrock.last.headers["x-amzn-bedrock-request-metadata"]
    assert json.loads(metadata) == {"caller": "team a"}


def test_a_model_that_makes_no_embeddings_is_a_400(bedrock: FakeBedrock) -> None:
    result = embed("bedrock/amazon.nova-pro-v1:0", "Hello")

    assert (result.status, result.json["error"]["param"]) == (400, "model")
    assert bedrock.log == []


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("amazon.titan-embed-text-v2:0", "bedrock_titan"),
        ("amazon.titan-embed-text-v1", "bedrock_titan_v1"),
        ("amazon.titan-embed-g1-text-02", "bedrock_titan_v1"),
        ("cohere.embed-multilingual-v3", "bedrock_cohere"),
        ("us.cohere.embed-v4:0", "bedrock_cohere"),
        ("amazon.nova-2-multimodal-embeddings-v1:0", "bedrock_nova"),
        ("global.amazon.nova-2-multimodal-embeddings-v1:0", "bedrock_nova"),
        ("amazon.nova-pro-v1:0", None),
        ("anthropic.claude-opus-5", None),
        ("cohere.command-r-v1:0", None),
    ],
)
def test_the_dialect_follows_the_model(model: str, dialect: str | None) -> None:
    api = embeddings_of("bedrock_converse")

    assert api is not None
    assert api.dialect_of(model) == dialect
