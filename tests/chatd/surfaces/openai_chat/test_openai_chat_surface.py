"""A response on OpenAI's surface is a chat completion, and an error names its field or cause."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chatd.surfaces.openai_chat.chats import (
    PATH,
    complete,
)
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Upstream, chunked, reply

pytestmark = pytest.mark.usefixtures("provider", "keys")


def test_an_answer_is_a_chat_completion(provider: Upstream) -> None:
    result = complete("openrouter/v/m")

    assert result.json.pop("created") > 1_700_000_000
    assert result.json == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "vendor/model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello!", "refusal": None},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def test_every_choice_of_an_answer_is_returned(provider: Upstream) -> None:
    body = answers.openai_chat()
    body["choices"] = [
        {"message": {"content": word}, "finish_reason": "stop"} for word in ("one", "two")
    ]
    provider.script = reply(body)

    choices = complete(n=2).json["choices"]

    assert [(choice["index"], choice["message"]["content"]) for choice in choices] == [
        (0, "one"),
        (1, "two"),
    ]


def test_every_choice_of_a_stream_keeps_its_index(provider: Upstream) -> None:
    def chunk(index: int, delta: dict[str, Any], reason: str | None = None) -> bytes:
        return answers.sse({"choices": [{"index": index, "delta": delta, "finish_reason": reason}]})

    provider.script = chunked(
        [
            chunk(0, {"content": "one"}),
            chunk(1, {"content": "two"}),
            chunk(1, {}, "stop"),
            chunk(0, {}, "length"),
        ]
    )

    choices = [
        choice for event in stream(ask("kimi/k3", n=2), PATH).json for choice in event["choices"]
    ]

    assert [c["index"] for c in choices if c["delta"].get("role")] == [0, 1]
    assert {c["index"]: c["finish_reason"] for c in choices if c["finish_reason"]} == {
        0: "length",
        1: "stop",
    }


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thinking_is_returned_as_reasoning_content(provider: Upstream, field: str) -> None:
    body = answers.openai_chat()
    body["choices"][0]["message"][field] = "Hm."
    provider.script = reply(body)

    (choice,) = complete().json["choices"]

    assert choice["message"]["reasoning_content"] == "Hm."


def test_logprobs_of_ollama_are_written_in_openais_form(provider: Upstream) -> None:
    tokens = [{"token": "Hello", "logprob": -0.1, "bytes": [72], "top_logprobs": []}]
    provider.script = reply(answers.ollama_chat(logprobs=tokens))

    (choice,) = complete("llama3.2", logprobs=True).json["choices"]

    assert choice["logprobs"] == {"content": tokens, "refusal": None}


def test_details_of_the_usage_and_the_cost_are_passed_on(provider: Upstream) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cost": 0.002,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 15},
    }
    provider.script = reply(answers.openai_chat(usage=usage))

    written = complete("openrouter/v/m").json["usage"]

    assert written == {**usage, "total_tokens": 30}


def test_a_budget_spent_on_thinking_is_length_with_a_warning(provider: Upstream) -> None:
    body = answers.openai_chat()
    body["choices"][0] = {
        "message": {"content": None, "reasoning": "Hm, "},
        "finish_reason": "length",
    }
    provider.script = reply(body)

    result = complete()

    assert result.json["choices"][0]["finish_reason"] == "length"
    assert "spent its whole budget" in result.headers["x-chatd-warning"]


def test_a_finish_reason_unknown_to_openai_is_stop(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(done_reason="load"))

    assert complete("llama3.2").json["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m"}, "messages"),
        ({"model": "m", "messages": [{"role": "user"}]}, "messages.0.content"),
        ({"model": "m", "messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"model": "m", "messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages.0.content.0.text",
        ),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages.0.content.0.image_url",
        ),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{}]}]},
            "messages.0.content.0.type",
        ),
        (ask("m", stop=7), "stop"),
        (ask("m", n=0), "n"),
        (ask("m", top_logprobs=99), "top_logprobs"),
        (ask("m", tools=[{"type": "function"}]), "tools.0.function"),
        (ask("m", tool_choice="sometimes"), "tool_choice"),
        (ask("m", response_format={"type": "yaml"}), "response_format.type"),
        (
            ask("m", response_format={"type": "json_schema"}),
            "response_format.json_schema.schema",
        ),
        (ask("m", reasoning_effort="extreme"), "reasoning_effort"),
        (ask("m", stream_options=1), "stream_options"),
    ],
)
def test_an_invalid_request_is_400_that_names_the_field(
    provider: Upstream, body: Any, param: str
) -> None:
    result = post(body, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert provider.received == []


@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
def test_a_model_that_the_provider_lacks_is_404(provider: Upstream, model: str) -> None:
    provider.script = reply({"error": "model not found"}, 404)

    whole, streamed = complete(model), stream(ask(model), PATH)

    error = whole.json["error"]
    assert (whole.status, streamed.status) == (404, 404)
    assert (error["code"], error["upstream_status"]) == ("model_not_found", 404)


def test_the_response_to_a_refused_key_forbids_a_retry(provider: Upstream) -> None:
    provider.script = reply({"error": "bad key"}, 401)

    assert complete().headers["x-should-retry"] == "false"


def test_the_error_for_many_fields_names_ten(provider: Upstream) -> None:
    request = {**ask("m"), **{f"field_{n}": n for n in range(5_000)}}

    error = post(request, "/v1/chat/completions").json["error"]
    assert error["code"] == "unsupported_parameter"
    assert error["message"].startswith("ollama cannot honour 'field_0', 'field_1'")
    assert "and 4990 more" in error["message"]
