"""`make run` serves embeddings: to callers with a key, from the demo, and in answers over 6 MB."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.local.conftest import ROOT, Gateway, _ended, _starter
from tests.support.embeddings import PATH, listed, packed, texts, vectors_of
from tests.support.upstream import Received, Upstream, reply, upstream

KEY = {"Authorization": "Bearer key-1"}
LARGE = [0.5, -0.25] * 768


def large(connection: socket.socket, received: Received) -> None:
    """Answer each input with a vector of 1,536 numbers."""
    reply(listed(*[packed(*LARGE)] * len(received.json["input"])))(connection, received)


@pytest.fixture(scope="module")
def host() -> Iterator[Upstream]:
    with upstream(large) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, demo_url: str, host: Upstream
) -> Iterator[Gateway]:
    """The stack's own functions, with a caller key, the demo and a provider of OpenAI's dialect."""
    started: list[Gateway] = []
    yield _starter(tmp_path_factory.mktemp("stack"), started)(
        *("--template", str(ROOT / "template.yaml"), "--code", str(ROOT / "functions")),
        OLLAMA_URL=demo_url,
        OPENAI_BASE_URL=host.url,
        OPENAI_API_KEY="sk-made-up-0123456789",
        CHATD_CALLER_KEYS="key-1",
        CHATD_CONFIG="/dev/null",
    )
    _ended(started)


def test_a_missing_key_is_401_in_openai_s_shape(gateway: Gateway) -> None:
    answer = gateway.ask("POST", PATH, {"model": "nomic-embed-text", "input": "Hello"})

    assert (answer.status, answer.json["error"]["code"]) == (401, "invalid_api_key")


def test_the_demo_makes_similar_vectors_of_similar_texts(gateway: Gateway) -> None:
    given = ["the lake of the town", "a lake in the town", "prices rise again"]

    answer = gateway.ask("POST", PATH, {"model": "nomic-embed-text", "input": given}, KEY)

    first, similar, other = vectors_of(answer.json)
    closeness = [sum(map(float.__mul__, first, vector)) for vector in (first, similar, other)]
    assert closeness[0] == pytest.approx(1)
    assert closeness[0] > closeness[1] > closeness[2]


def test_an_answer_over_6_mb_is_streamed_as_json(gateway: Gateway, host: Upstream) -> None:
    body = {"model": "openai/large", "input": texts(1_000), "encoding_format": "base64"}

    answer = gateway.ask("POST", PATH, body, KEY)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert vectors_of(answer.json) == [packed(*LARGE)] * 1_000
    assert len(json.dumps(answer.json)) > 8_000_000
    assert len(host.received) == 4
