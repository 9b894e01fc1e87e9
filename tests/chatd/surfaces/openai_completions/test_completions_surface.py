"""Requests of /v1/completions: every form of a prompt, limits, and the field that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import chat.app
from chatd.aws_lambda.streaming import Collected
from chatd.safe_json import item_limits
from tests.chatd.test_gateway_properties import JSON
from tests.support import answers
from tests.support.functions import LambdaContext, http_event, post, stream
from tests.support.upstream import Upstream, chunked, reply

PATH = "/v1/completions"
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def mine(provider: Upstream, config: Path) -> None:
    """Add a provider of OpenAI's dialect, and a tier over one without completions."""
    row = f'dialect = "openai_chat"\nbase_url = "{provider.url}"'
    config.write_text(
        f'[tiers]\nmixed = ["bare/b", "mine/m"]\nnone = ["bare/b"]\n[providers.mine]\n{row}\n'
        f'[providers.bare]\n{row}\ncompletions = "none"\n'
    )


@pytest.mark.parametrize("prompt", ["a", ["a", "b"], [1, 2], [[1], [2, 3]], ""])
def test_every_form_of_a_prompt_reaches_a_provider_of_openais_dialect(
    provider: Upstream, prompt: Any
) -> None:
    assert post({"model": "mine/m", "prompt": prompt}, PATH).status == 200
    assert provider.last.json == {"model": "m", "prompt": prompt}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no prompt": ({}, "prompt"),
    "null": ({"prompt": None}, "prompt"),
    "an empty list": ({"prompt": []}, "prompt"),
    "an object": ({"prompt": {"text": "a"}}, "prompt"),
    "texts and tokens": ({"prompt": ["a", 1]}, "prompt.1"),
    "a negative token": ({"prompt": [1, -1]}, "prompt.1"),
    "true as a token": ({"prompt": [True]}, "prompt.0"),
    "an empty list of tokens": ({"prompt": [[1], []]}, "prompt.1"),
    "a suffix of tokens": ({"prompt": "a", "suffix": [1]}, "suffix"),
    "a negative limit": ({"prompt": "a", "max_tokens": -2}, "max_tokens"),
    "logprobs of chats": ({"prompt": "a", "logprobs": True}, "logprobs"),
    "no answers": ({"prompt": "a", "n": 0}, "n"),
    "too many answers": ({"prompt": ["a"] * 100, "n": 2}, "n"),
    "an infinite number": ({"prompt": "a", "temperature": float("inf")}, "temperature"),
    "a text as stream": ({"prompt": "a", "stream": "yes"}, "stream"),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_a_wrong_field_is_a_400_that_names_it(provider: Upstream, case: str) -> None:
    body, param = WRONG[case]

    result = post({"model": "mine/m", **body}, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert provider.received == []


LISTS: dict[str, Any] = {
    "prompt": ["a"] * (item_limits.MAX_PROMPTS + 1),
    "stop": ["a"] * (item_limits.MAX_STOPS + 1),
}


@pytest.mark.parametrize("field", sorted(LISTS))
def test_a_list_with_one_item_too_many_is_refused_by_name(provider: Upstream, field: str) -> None:
    result = post({"model": "mine/m", "prompt": "a", field: LISTS[field]}, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, field)
    assert provider.received == []


def test_no_limit_as_minus_one_is_left_out(provider: Upstream) -> None:
    post({"model": "mine/m", "prompt": "a", "max_tokens": -1}, PATH)

    assert "max_tokens" not in provider.last.json


def test_a_tier_goes_on_to_a_model_with_completions(provider: Upstream) -> None:
    assert post({"model": "mixed", "prompt": "a"}, PATH).status == 200
    assert provider.last.json["model"] == "m"


def test_a_tier_without_completions_is_a_400_that_says_what_to_do(provider: Upstream) -> None:
    result = post({"model": "none", "prompt": "a"}, PATH)

    assert (result.status, result.json["error"]["code"]) == (400, "completions_unsupported")
    assert "/v1/chat/completions" in result.json["error"]["message"]
    assert provider.received == []


@pytest.mark.parametrize("model", ["anthropic/claude-opus-4-6", "kimi/k3", "openai/gpt-5.6-sol"])
def test_a_row_without_completions_is_a_400(provider: Upstream, keys: str, model: str) -> None:
    result = post({"model": model, "prompt": "a"}, PATH)

    assert (result.status, result.json["error"]["code"]) == (400, "completions_unsupported")


def test_drop_params_drops_no_prompt(provider: Upstream, config: Path) -> None:
    config.write_text("drop_params = true\n")

    several = post({"model": "ollama/m", "prompt": ["a", "b"]}, PATH)
    assert (several.status, several.json["error"]["param"]) == (400, "prompt")
    two = post({"model": "ollama/m", "prompt": "a", "n": 2, "best_of": 2}, PATH)
    assert (two.status, two.headers["x-chatd-dropped-params"]) == (200, "n, best_of")


def test_a_missing_usage_is_estimated_and_ends_the_stream(provider: Upstream) -> None:
    provider.script = chunked(
        [*answers.text_chunks("Hello", "!")[:3], answers.text_chunks("")[-1]], "text/event-stream"
    )
    body = {"model": "mine/m", "prompt": "a", "stream_options": {"include_usage": True}}

    *_, last = stream(body, PATH).json

    assert last["choices"] == []
    assert last["usage"]["estimated"] is True


FIELDS = ("suffix", "max_tokens", "n", "best_of", "logprobs", "echo", "stop", "stream", "user")
CHOICES = st.lists(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("text", "index", "logprobs", "finish_reason"), JSON)
    ),
    max_size=3,
)


@many
@given(prompt=JSON, more=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_no_request_is_an_internal_error(provider: Upstream, prompt: Any, more: Any) -> None:
    provider.script = reply(answers.text_completion())
    body = json.dumps({"model": "mine/m", "prompt": prompt, **more, "stream": False})

    assert post(body, PATH).status in (200, 400, 413)


@many
@given(choices=CHOICES | JSON, usage=JSON)
def test_no_whole_answer_is_an_internal_error(provider: Upstream, choices: Any, usage: Any) -> None:
    provider.script = reply({"id": "c", "model": "m", "choices": choices, "usage": usage})

    result = post({"model": "mine/m", "prompt": "a"}, PATH)

    assert result.status in (200, 502), result.json
    if result.status == 200:
        assert all(type(choice["text"]) is str for choice in result.json["choices"])
        assert all(type(choice["index"]) is int for choice in result.json["choices"])


@many
@example(events=[[{"text": "a", "finish_reason": [1]}]], logprobs=None)
@given(events=st.lists(CHOICES, max_size=4), logprobs=JSON)
def test_no_stream_is_an_internal_error(provider: Upstream, events: Any, logprobs: Any) -> None:
    pieces = [answers.sse({"choices": choices}) for choices in events]
    provider.script = chunked([*pieces, b"data: [DONE]\n\n"], "text/event-stream")
    body = {"model": "mine/m", "prompt": "a", "stream": True}
    event = http_event("POST", PATH, json.dumps(body))
    live, sink = chat.app.lambda_handler(event, LambdaContext()), Collected()
    live.write_to(sink)

    assert sink.status in (200, 502)
    # A drawn field may have the name of the error's code.
    lines = [line.removeprefix(b"data: ") for line in bytes(sink.body).splitlines()]
    errors = [json.loads(line).get("error") or {} for line in lines if line.startswith(b"{")]
    assert "internal_error" not in [error.get("code") for error in errors]
