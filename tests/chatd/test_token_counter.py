"""Tokens are counted by a provider that has the route, and otherwise estimated and marked."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.errors import UpstreamError
from chatd.token_counter import DOCUMENT_TOKENS, IMAGE_TOKENS
from chatd.transport.http_client import Urllib3Transport
from tests.support.functions import HttpResult, ask, post
from tests.support.upstream import Received, Script, Upstream, raw, reply, reset

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]
PATH = "/v1/messages/count_tokens"
COUNTING = "anthropic/claude-opus-4-8"
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0K"}}
PDF = {
    "type": "document",
    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
}
CLAUDE_CODE = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,token-counting-2024-11-01",
}


def count(body: object, headers: Mapping[str, str] = CLAUDE_CODE) -> HttpResult:
    return post(body, PATH, headers=dict(headers))


def is_estimate(result: HttpResult) -> bool:
    assert result.status == 200, result.json
    assert list(result.json) == ["input_tokens"]
    return result.headers.get("x-chatd-estimated") == "input_tokens"


@pytest.fixture
def counting(provider: Upstream, keys: str) -> Upstream:
    """Serve providers that count 42 tokens."""
    provider.script = reply({"input_tokens": 42})
    return provider


def test_a_provider_with_the_route_counts(counting: Upstream, keys: str) -> None:
    result = count({**ask(COUNTING), "tools": [], "system": "Be brief."})

    assert (result.json, is_estimate(result)) == ({"input_tokens": 42}, False)
    (sent,) = counting.received
    assert sent.path.endswith("/messages/count_tokens")
    assert sent.headers["x-api-key"] == keys
    assert sent.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in sent.headers
    assert sent.json == {
        "model": "claude-opus-4-8",
        "messages": [{"role": "user", "content": "Say hello."}],
        "system": "Be brief.",
        "tools": [],
    }


def test_fields_that_the_route_refuses_are_not_forwarded(counting: Upstream) -> None:
    more: dict[str, Any] = {
        "max_tokens": 64,
        "stream": True,
        "temperature": 1,
        "metadata": {"user_id": "u"},
        "context_management": {"edits": []},
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "tool_choice": {"type": "auto"},
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    result = count(ask(COUNTING, **more))

    assert not is_estimate(result)
    kept = {"model", "messages", "thinking", "output_config", "tool_choice", "tools"}
    assert counting.received[0].json.keys() == kept


def test_a_tier_is_counted_by_its_first_model(counting: Upstream, config: Path) -> None:
    config.write_text(f'[tiers]\n"claude-x" = ["{COUNTING}", "kimi/k3"]')

    assert count(ask("claude-x")).json == {"input_tokens": 42}
    assert counting.received[0].json["model"] == "claude-opus-4-8"


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("kimi/k3", {}),
        ("ollama/llama3.2", {}),
        # A chat with a forced tool is refused by Ollama; a count is not.
        ("ollama/llama3.2", {"tools": [{"name": "f", "input_schema": {}}]}),
    ],
)
def test_any_other_provider_is_not_called(
    counting: Upstream, model: str, body: dict[str, Any]
) -> None:
    choice: dict[str, Any] = {"tool_choice": {"type": "any"}} if body else {}

    assert is_estimate(count(ask(model, **body, **choice)))
    assert counting.received == []


FAILURES: dict[str, Script] = {
    "404": reply({"type": "error", "error": {"type": "not_found_error", "message": "no"}}, 404),
    "400": reply(
        {"error": {"message": "The provided model doesn't support counting tokens."}}, 400
    ),
    "401": reply({"error": {"message": "no"}}, 401),
    "500": reply({"error": {"message": "no"}}, 500),
    "html": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    "another shape": reply([1]),
    "no number": reply({"input_tokens": "42"}),
    "a negative number": reply({"input_tokens": -1}),
    "true": reply({"input_tokens": True}),
    "reset": reset,
}


@pytest.mark.parametrize("fault", FAILURES)
def test_after_a_failure_of_the_provider_the_count_is_an_estimate(
    counting: Upstream, fault: str
) -> None:
    counting.script = FAILURES[fault]

    result = count(ask(COUNTING, "x" * 400))

    assert (is_estimate(result), result.json) == (True, {"input_tokens": 100})


def test_failures_open_no_circuit_and_are_not_repeated(counting: Upstream) -> None:
    counting.script = FAILURES["500"]
    for _ in range(15):
        count(ask(COUNTING))
    assert len(counting.received) == 15

    def answer(connection: socket.socket, received: Received) -> None:
        body = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-8",
            "content": [{"type": "text", "text": "Hello!"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
        reply(body)(connection, received)

    counting.script = answer
    assert post({**ask(COUNTING), "max_tokens": 9}, "/v1/messages").status == 200


@pytest.mark.usefixtures("counting")
def test_a_count_is_one_log_line_without_metrics(emitted: Emits) -> None:
    count(ask(COUNTING, "canary"))
    count(ask("kimi/k3", "canary"))

    output = emitted()
    assert output.metrics == []
    assert "canary" not in output.text
    lines = [
        (line["message"], line["chatd.input_tokens"], line.get("gen_ai.provider.name"))
        for line in output.log
    ]
    assert lines == [("count_tokens", 42, "anthropic"), ("count_tokens", 2, None)]


def test_without_a_model_the_count_is_an_estimate(counting: Upstream) -> None:
    tools = [{"name": "f", "description": "d" * 39, "input_schema": {}}]
    result = count({"messages": [{"role": "user", "content": "foo"}], "tools": tools})

    assert is_estimate(result)
    assert result.json["input_tokens"] >= 11
    assert counting.received == []


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ("", 0),
        ("x", 1),
        ("x" * 8, 2),
        ([{"type": "text", "text": "x" * 8}, PNG], 2 + IMAGE_TOKENS),
        ([PDF], DOCUMENT_TOKENS),
        (
            [
                {"type": "tool_result", "tool_use_id": "t", "content": [PNG, PNG, PDF]},
                {"type": "text", "text": "x" * 4},
            ],
            1 + 2 * IMAGE_TOKENS + DOCUMENT_TOKENS,
        ),
    ],
)
@pytest.mark.usefixtures("provider", "keys")
def test_an_estimate_counts_characters_images_and_files(content: object, tokens: int) -> None:
    body = {"model": "kimi/k3", "messages": [{"role": "user", "content": content}]}

    assert count(body).json == {"input_tokens": tokens}


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("{", 400, "invalid_request_error"),
        ({"model": "kimi/k3"}, 400, "invalid_request_error"),
        ({"model": "kimi/k3", "messages": []}, 400, "invalid_request_error"),
        (ask("openrouter/a/b"), 404, "not_found_error"),
        ("x" * (5 * 1024 * 1024 + 1), 413, "request_too_large"),
    ],
)
def test_errors_are_in_anthropics_shape(
    provider: Upstream, body: object, status: int, kind: str
) -> None:
    result = count(body)

    assert (result.status, result.json["type"]) == (status, "error")
    assert result.json["error"]["type"] == kind
    assert provider.received == []


def test_the_provider_has_ten_seconds_and_the_caller_s_hang_up_ends_the_count(
    counting: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def send(_self: Any, _request: Any, deadline: Any, connect: float, register: Any) -> Any:
        seen.append((deadline.left() <= 10, connect, register.__name__))
        raise UpstreamError("no")

    monkeypatch.setattr(Urllib3Transport, "send", send)

    assert is_estimate(count(ask(COUNTING)))
    assert seen == [(True, 5.0, "on_cancel")]
