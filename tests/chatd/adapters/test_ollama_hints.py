"""What agents and SDKs send with every request does not keep Ollama from answering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream

OPENAI = "/v1/chat/completions"
pytestmark = pytest.mark.usefixtures("keys")
each_provider = pytest.mark.parametrize("model", ["llama3.2", "ollama_cloud/gpt-oss"])


def sent(upstream: Upstream, model: str = "llama3.2", /, **fields: Any) -> tuple[Any, str | None]:
    """The body that Ollama gets of a request with these fields, and what was dropped of it."""
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
def test_thinking_is_asked_for_in_every_vendors_words(
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
def test_a_hint_that_ollama_has_no_word_for_is_dropped_and_named(
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
def test_what_cannot_change_the_answer_is_dropped_quietly(model: str, provider: Upstream) -> None:
    body, dropped = sent(provider, model, **QUIET)

    assert dropped is None
    assert not QUIET.keys() & body.keys()


def test_options_of_ollamas_own_reach_it(provider: Upstream) -> None:
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


def test_a_stream_names_what_was_dropped_too(provider: Upstream) -> None:
    result = stream(ask("llama3.2", verbosity="low"), OPENAI)

    assert result.headers["x-chatd-dropped-params"] == "verbosity"
