"""Ollama answers requests with the hints that agents and SDKs add to every request."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Script, Upstream, reply

OPENAI = "/v1/chat/completions"
pytestmark = pytest.mark.usefixtures("keys")
each_provider = pytest.mark.parametrize("model", ["llama3.2", "ollama_cloud/gpt-oss"])


def sent(upstream: Upstream, model: str = "llama3.2", /, **fields: Any) -> tuple[Any, str | None]:
    """Send a request with these fields; return Ollama's body and the names of dropped fields."""
    result = post(ask(model, **fields), OPENAI)
    assert result.status == 200, result.json
    return upstream.last.json, result.headers.get("x-chatd-dropped-params")


@each_provider
@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({"think": True}, True),
        ({"think": False}, False),
        ({"think": "high"}, "high"),
        ({"reasoning": {"effort": "xhigh"}}, "max"),
        ({"reasoning": {"effort": "none"}}, False),
        ({"reasoning": {"effort": "minimal", "summary": "auto"}}, "low"),
        ({"reasoning": {"enabled": True}}, True),
        ({"reasoning": {"enabled": False, "effort": "high"}}, False),
        ({"reasoning": {"max_tokens": 2000}}, True),
        ({"reasoning": {"exclude": True}}, False),
        ({"reasoning": {}}, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "enabled", "effort": "low"}}, "low"),
        ({"thinking": {"type": "disabled"}}, False),
        ({"thinking": {"type": "adaptive"}}, False),
        ({"enable_thinking": True}, True),
        ({"chat_template_kwargs": {"enable_thinking": True}}, True),
        ({"chat_template_kwargs": {"thinking": False}}, False),
        ({"reasoning_effort": "low", "think": True, "reasoning": {"effort": "high"}}, "low"),
        ({"reasoning": None, "think": None}, False),
    ],
)
def test_thinking_is_read_from_the_fields_of_every_vendor(
    fields: Mapping[str, Any], think: bool | str, model: str, provider: Upstream
) -> None:
    body, dropped = sent(provider, model, **fields)

    assert (body["think"], dropped) == (think, None)
    assert not fields.keys() & (body.keys() - {"think"})


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"reasoning": {"effort": "as you like"}}, "reasoning"),
        ({"think": "very"}, "think"),
        ({"thinking": {"type": "enabled?", "x": 1}}, "thinking"),
        ({"verbosity": "high"}, "verbosity"),
        ({"models": ["a", "b"]}, "models"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"context_management": {"edits": []}}, "context_management"),
    ],
)
def test_a_hint_that_ollama_lacks_is_dropped_and_named(
    fields: Mapping[str, Any], name: str, provider: Upstream
) -> None:
    body, dropped = sent(provider, **fields)

    assert (body["think"], dropped) == (False, name)
    assert name not in body.keys() - {"think"}


QUIET = {
    "session_id": "s",
    "client_metadata": {"x": 1},
    "include": ["reasoning.encrypted_content"],
    "include_reasoning": True,
    "usage": {"include": True},
    "provider": {"require_parameters": True},
    "prediction": {"type": "content", "content": "x"},
    "verbosity": "medium",
    "store": False,
}


@each_provider
def test_fields_without_effect_on_the_answer_are_dropped_unnamed(
    model: str, provider: Upstream
) -> None:
    body, dropped = sent(provider, model, **QUIET)

    assert dropped is None
    assert not QUIET.keys() & body.keys()


def test_ollamas_own_options_reach_ollama(provider: Upstream) -> None:
    body, dropped = sent(
        provider,
        options={"num_ctx": 4096, "temperature": 2, "mirostat": 1},
        top_k=5,
        repetition_penalty=1.1,
        temperature=0,
        max_tokens=7,
        keep_alive="5m",
        truncate=False,
    )

    assert body["options"] == {
        "num_ctx": 4096,
        "mirostat": 1,
        "top_k": 5,
        "repeat_penalty": 1.1,
        "temperature": 0,
        "num_predict": 7,
    }
    assert (body["keep_alive"], body["truncate"], dropped) == ("5m", False, None)


def test_a_stream_names_the_dropped_fields(provider: Upstream) -> None:
    result = stream(ask("llama3.2", verbosity="low"), OPENAI)

    assert result.headers["x-chatd-dropped-params"] == "verbosity"


def refusing_thinking(provider: Upstream) -> Script:
    """Return the script of a server with a model that cannot think."""
    working = provider.script

    def script(connection: socket.socket, received: Received) -> None:
        if received.json["think"]:
            reply({"error": '"llama3.2" does not support thinking'}, 400)(connection, received)
        else:
            working(connection, received)

    return script


THINKING = [
    {"reasoning_effort": "high"},
    {"reasoning": {"effort": "low"}},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
]


@pytest.mark.parametrize("fields", THINKING)
@pytest.mark.parametrize("tier", [False, True])
def test_a_model_that_cannot_think_answers_without_thinking(
    fields: dict[str, Any], tier: bool, provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2", "kimi/k3"]')
    provider.script = refusing_thinking(provider)
    model = "fast" if tier else "llama3.2"

    plain = post(ask(model, **fields), OPENAI)
    streamed = stream(ask(model, **fields), OPENAI)

    (name,) = fields
    assert plain.json["choices"][0]["message"]["content"] == "Hello!"
    assert streamed.data[-1] == "[DONE]"
    for result in (plain, streamed):
        assert result.status == 200
        assert result.headers["x-chatd-dropped-params"] == name
        assert result.headers["x-chatd-attempts"] == "ollama: invalid_request, ollama: ok"
    assert len(provider.received) == 4


def test_thinking_of_a_native_request_is_not_dropped(provider: Upstream) -> None:
    provider.script = refusing_thinking(provider)

    result = post(ask("llama3.2", think=True))

    assert (result.status, len(provider.received)) == (400, 1)
    assert "does not support thinking" in result.json["error"]["message"]


def test_a_request_is_not_repeated_after_another_refusal(provider: Upstream) -> None:
    provider.script = reply({"error": "bad option"}, 400)

    assert post(ask("llama3.2", reasoning_effort="high"), OPENAI).status == 400
    assert len(provider.received) == 1


def test_a_second_refusal_of_thinking_is_passed_on(provider: Upstream) -> None:
    provider.script = reply({"error": '"m" does not support thinking'}, 400)

    assert post(ask("llama3.2", reasoning_effort="high"), OPENAI).status == 400
    assert len(provider.received) == 2
