"""Each dialect for embeddings gets the caller's request in its own words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chatd.conftest import forget
from tests.support.embeddings import OPENAI, PATH, embed, listed, vectors_of
from tests.support.functions import post
from tests.support.upstream import Upstream, reply

OLLAMA = "ollama/nomic-embed-text"
ANSWER = {"model": "m", "embeddings": [[0.5, -2.0]], "prompt_eval_count": 3}


@pytest.fixture
def openai(provider: Upstream, keys: str) -> Upstream:
    """Serve providers of OpenAI's dialect."""
    provider.script = reply(listed([0.5, -2.0]))
    return provider


@pytest.fixture
def ollama(provider: Upstream, keys: str) -> Upstream:
    """Serve an Ollama."""
    provider.script = reply(ANSWER)
    return provider


OLLAMA_BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a text": ({"input": "a"}, {"input": ["a"]}),
    "texts": ({"input": ["a"]}, {"input": ["a"]}),
    "dimensions": ({"input": "a", "dimensions": 2}, {"input": ["a"], "dimensions": 2}),
    "encoding and user": (
        {"input": "a", "encoding_format": "base64", "user": "u"},
        {"input": ["a"]},
    ),
    "Ollama's own fields": (
        {"input": "a", "truncate": True, "keep_alive": "5m", "options": {"num_ctx": 512}},
        {"input": ["a"], "truncate": True, "keep_alive": "5m", "options": {"num_ctx": 512}},
    ),
    "nulls": ({"input": "a", "dimensions": None, "input_type": None}, {"input": ["a"]}),
}


@pytest.mark.parametrize("case", OLLAMA_BODIES)
def test_ollama_gets_its_own_request_and_truncates_only_on_demand(
    ollama: Upstream, case: str
) -> None:
    body, expected = OLLAMA_BODIES[case]

    assert post({"model": OLLAMA, **body}, PATH).status == 200
    (sent,) = ollama.received
    assert sent.path == "/api/embed"
    assert sent.json == {"model": "nomic-embed-text", "truncate": False, **expected}


def test_an_answer_of_ollama_becomes_openai_s(ollama: Upstream) -> None:
    assert embed(OLLAMA, "Hello").json == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -2.0]}],
        "model": "m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


def test_a_field_that_ollama_lacks_is_refused_or_dropped_and_named(
    ollama: Upstream, config: Path
) -> None:
    refused = embed(OLLAMA, "Hello", input_type="query")
    assert (refused.status, refused.json["error"]["param"]) == (400, "input_type")
    assert refused.json["error"]["code"] == "unsupported_parameter"

    forget()
    config.write_text("drop_params = true")
    dropped = embed(OLLAMA, "Hello", input_type="query")

    assert (dropped.status, dropped.headers["x-chatd-dropped-params"]) == (200, "input_type")
    assert "input_type" not in ollama.last.json


def test_a_provider_of_openai_s_dialect_gets_the_caller_s_json(openai: Upstream, keys: str) -> None:
    body = {"input": "Hello", "dimensions": 2, "user": None, "x": {"y": [1, None]}}

    assert post({"model": OPENAI, **body}, PATH).json == listed([0.5, -2.0])
    (sent,) = openai.received
    assert sent.path == "/embeddings"
    assert sent.headers["authorization"] == f"Bearer {keys}"
    assert sent.json == {"model": "text-embedding-3-small", **body}


ROWS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Mistral's name for dimensions, and a field that it refuses": (
        "mistral/codestral-embed",
        {"dimensions": 2, "user": "u"},
        {"output_dimension": 2},
    ),
    "NVIDIA's input_type": ("nvidia/e5", {}, {"input_type": "passage"}),
    "the caller's input_type": ("nvidia/e5", {"input_type": "query"}, {"input_type": "query"}),
    "Alibaba's lack of base64": (
        "dashscope/text-embedding-v4",
        {"encoding_format": "base64"},
        {"encoding_format": "float"},
    ),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_row_corrects_the_request(openai: Upstream, case: str) -> None:
    model, more, expected = ROWS[case]

    assert embed(model, "Hello", **more).status == 200
    name = model.partition("/")[2]
    assert openai.last.json == {"model": name, "input": "Hello", **expected}


@pytest.mark.parametrize(
    ("model", "most"),
    [("dashscope/m", 10), ("zai/m", 64), ("cohere/m", 96), ("gemini/m", 100), ("mistral/m", 256)],
)
def test_a_row_limits_the_inputs_of_a_request(openai: Upstream, model: str, most: int) -> None:
    openai.script = reply(listed(*[[1.0]] * most))

    assert len(vectors_of(embed(model, ["x"] * most).json)) == most
    assert len(openai.received) == 1


def test_chatd_toml_changes_how_a_provider_makes_embeddings(openai: Upstream, config: Path) -> None:
    config.write_text(
        "[providers.kimi]\nembeddings = true\n"
        f'[providers.mine]\ndialect = "anthropic_messages"\nbase_url = "{openai.url}/v1"\n'
        'embeddings = { dialect = "openai", batch = 1, base64 = false,'
        ' renames = { dimensions = "size" }, drops = ["user"], fields = { task = "t" } }\n'
        "[providers.mistral]\nembeddings = { tokens = true }\n"
        "[providers.openai]\nembeddings = false\n"
    )

    assert embed("kimi/m", "a").status == 200
    result = embed("mine/m", "a", dimensions=2, encoding_format="base64", user="u")
    assert (result.status, result.headers["x-chatd-dropped-params"]) == (200, "user")
    assert openai.last.json == {
        "model": "m",
        "input": "a",
        "size": 2,
        "encoding_format": "float",
        "task": "t",
    }
    assert embed("mistral/m", [1], dimensions=2).status == 200
    assert openai.last.json == {"model": "m", "input": [1], "output_dimension": 2}
    assert embed(OPENAI, "a").status == 400
