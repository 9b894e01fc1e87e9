"""The demo upstream speaks Ollama's dialect, and each answer states that no model runs."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.local.conftest import PATIENCE

_HELLO = [{"role": "user", "content": "How are you today?"}]


@pytest.fixture
def demo(demo_url: str) -> int:
    """The demo's port."""
    return urlsplit(demo_url).port or 0


def _request(port: int, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, body)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def _call(port: int, path: str, **body: Any) -> dict[str, Any]:
    status, answer = _request(port, "POST", path, json.dumps({"stream": False, **body}).encode())
    assert status == 200, answer
    result: dict[str, Any] = json.loads(answer)
    return result


def test_a_chats_resultstates_that_no_model_runs_and_counts_tokens(demo: int) -> None:
    result = _call(demo, "/api/chat", model="llama3.2", messages=_HELLO)

    assert result["model"] == "llama3.2"
    assert result["message"]["role"] == "assistant"
    assert "demo upstream: no model runs here" in result["message"]["content"]
    assert (result["done"], result["done_reason"]) == (True, "stop")
    assert result["prompt_eval_count"] == 4
    assert result["eval_count"] == len(result["message"]["content"].split())
    assert result["total_duration"] > 0


def test_generate_answers_the_prompt(demo: int) -> None:
    result = _call(demo, "/api/generate", model="gemma3:latest", system="Be brief.", prompt="Why?")

    assert "The prompt to gemma3:latest: 3 words." in result["response"]
    assert result["prompt_eval_count"] == 3


@pytest.mark.parametrize(
    ("path", "question"),
    [("/api/chat", {"messages": _HELLO}), ("/api/generate", {"prompt": "How are you today?"})],
)
def test_the_demo_streams_unless_stream_is_false(
    demo: int, path: str, question: dict[str, Any]
) -> None:
    whole = _call(demo, path, model="qwen3", **question)
    body = json.dumps({"model": "qwen3", **question}).encode()
    lines = [json.loads(line) for line in _request(demo, "POST", path, body)[1].splitlines()]
    pieces = [line.get("message", line) for line in lines]

    key = "content" if path == "/api/chat" else "response"
    assert "".join(piece[key] for piece in pieces) == whole.get("message", whole)[key]
    assert "".join(piece.get("thinking", "") for piece in pieces)
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["eval_count"] == whole["eval_count"]


def test_a_thinking_model_thinks_unless_think_is_false(demo: int) -> None:
    thinking = _call(demo, "/api/chat", model="qwen3", messages=_HELLO)["message"]
    silent = _call(demo, "/api/chat", model="qwen3", messages=_HELLO, think=False)["message"]

    assert "thinking" in thinking
    assert "thinking" not in silent


def test_format_json_gives_valid_json(demo: int) -> None:
    result = _call(demo, "/api/chat", model="llama3.2", messages=_HELLO, format="json")

    assert json.loads(result["message"]["content"])["demo"] is True


def test_format_with_a_schema_gives_a_valid_instance(demo: int) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "kind": {"enum": ["a", "b"]},
            "fixed": {"const": 7},
            "inner": {"properties": {"yes": {"type": "boolean"}, "many": {"type": "array"}}},
        },
    }
    result = _call(demo, "/api/chat", model="llama3.2", messages=_HELLO, format=schema)

    assert json.loads(result["message"]["content"]) == {
        "name": "demo",
        "age": 0,
        "kind": "a",
        "fixed": 7,
        "inner": {"yes": True, "many": []},
    }


def test_num_predict_limits_the_answers_tokens(demo: int) -> None:
    options = {"num_predict": 3}
    result = _call(demo, "/api/chat", model="llama3.2", messages=_HELLO, options=options)

    assert (result["eval_count"], result["done_reason"]) == (3, "length")


def test_a_request_without_messages_loads_the_model(demo: int) -> None:
    result = _call(demo, "/api/chat", model="llama3.2")

    assert (result["message"]["content"], result["done_reason"]) == ("", "load")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"model": "unknown/x", "messages": _HELLO}, 404, 'model "unknown/x" not found'),
        (
            {"model": "llama3.2", "messages": "hello"},
            400,
            "messages: Input should be a valid array",
        ),
        ({"messages": _HELLO}, 400, "model: Field required"),
        (
            {"model": "llama3.2", "messages": _HELLO, "think": True},
            400,
            '"llama3.2" does not support thinking',
        ),
    ],
)
def test_the_demos_errors_are_ollamas(
    demo: int, body: dict[str, Any], status: int, error: str
) -> None:
    answered = _request(demo, "POST", "/api/chat", json.dumps(body).encode())

    assert (answered[0], json.loads(answered[1])) == (status, {"error": error})


def test_a_body_that_is_not_json_is_400(demo: int) -> None:
    status, answer = _request(demo, "POST", "/api/generate", b"{")

    assert status == 400
    assert "Invalid JSON" in json.loads(answer)["error"]


def test_the_demo_lists_models_and_version(demo: int) -> None:
    tags = json.loads(_request(demo, "GET", "/api/tags", None)[1])
    version = json.loads(_request(demo, "GET", "/api/version", None)[1])

    assert "llama3.2:latest" in [model["name"] for model in tags["models"]]
    assert "demo" in version["version"]
    assert _request(demo, "GET", "/", None) == (200, b"Ollama is running")
