"""A request for embeddings is translated to its provider's dialect, and recorded."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from tests.support.functions import HttpResult, LambdaContext, post
from tests.support.upstream import Upstream, reply

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]
PATH = "/v1/embeddings"
OPENAI = "openai/text-embedding-3-small"


def embed(model: str, given: object, **more: Any) -> HttpResult:
    return post({"model": model, "input": given, **more}, PATH)


def listed(*vectors: object, **more: Any) -> dict[str, Any]:
    """Return an answer of OpenAI's dialect."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return {"object": "list", "data": data, "model": "m-1", "usage": usage, **more}


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


@pytest.fixture
def openai(provider: Upstream, keys: str) -> Upstream:
    """Serve a provider of OpenAI's dialect."""
    provider.script = reply(listed([0.5, -2.0]))
    return provider


@pytest.fixture
def ollama(provider: Upstream, keys: str) -> Upstream:
    """Serve an Ollama."""
    provider.script = reply({"model": "m", "embeddings": [[0.5, -2.0]], "prompt_eval_count": 3})
    return provider


def test_ollama_gets_its_own_request_and_never_truncates(ollama: Upstream) -> None:
    result = embed("ollama/nomic-embed-text", "Hello", dimensions=2, user="u")

    assert result.status == 200
    assert result.json == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -2.0]}],
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    (sent,) = ollama.received
    assert sent.path == "/api/embed"
    assert sent.json == {
        "model": "nomic-embed-text",
        "input": ["Hello"],
        "truncate": False,
        "dimensions": 2,
    }


def test_a_provider_of_openai_s_dialect_gets_the_caller_s_json(openai: Upstream, keys: str) -> None:
    body = {"input": "Hello", "dimensions": 2, "user": None, "x": {"y": 1}}
    result = post({"model": OPENAI, **body}, PATH)

    assert result.json == {**listed([0.5, -2.0])}
    (sent,) = openai.received
    assert sent.path.endswith("/embeddings")
    assert sent.headers["authorization"] == f"Bearer {keys}"
    assert sent.json == {"model": "text-embedding-3-small", **body}


@pytest.mark.parametrize("vector", [[0.5, -2.0], packed(0.5, -2.0)], ids=["float", "base64"])
@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_have_the_encoding_that_the_caller_wants(
    openai: Upstream, vector: object, encoding: str | None
) -> None:
    openai.script = reply(listed(vector))

    result = embed(OPENAI, "Hello", encoding_format=encoding)

    wanted = packed(0.5, -2.0) if encoding == "base64" else [0.5, -2.0]
    assert result.json["data"][0]["embedding"] == wanted


def test_a_request_is_one_log_line_of_its_own_operation(openai: Upstream, emitted: Emits) -> None:
    embed(OPENAI, "canary")

    output = emitted()
    (line,) = output.log
    assert line["message"] == line["gen_ai.operation.name"] == "embeddings"
    assert line["gen_ai.usage.input_tokens"] == 5
    assert [metric["InputTokens"] for metric in output.metrics] == [5]
    assert "canary" not in output.text


def test_a_direct_invocation_with_input_asks_for_embeddings(ollama: Upstream) -> None:
    event = {"model": "ollama/m", "input": ["Hello"]}
    answers = [
        chat.app.lambda_handler(given, LambdaContext())
        for given in (event, {"detail-type": "t", "detail": event})
    ]

    assert [answer["data"][0]["embedding"] for answer in answers] == [[0.5, -2.0]] * 2


def test_a_tier_without_hosts_of_one_model_leads_to_its_first_model(
    openai: Upstream, config: Path
) -> None:
    config.write_text(f'[tiers]\nt = ["{OPENAI}", "openai/text-embedding-3-large"]')
    openai.script = reply({"error": {"message": "broken"}}, 500)

    assert embed("t", "Hello").status == 502
    assert {sent.json["model"] for sent in openai.received} == {"text-embedding-3-small"}
