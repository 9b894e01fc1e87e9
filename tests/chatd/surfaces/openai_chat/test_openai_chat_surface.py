"""OpenAI's surface: what callers say reaches each dialect, and what comes back is OpenAI's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import HttpResult, ask, post, stream
from tests.support.upstream import Upstream, chunked, reply

PATH = "/v1/chat/completions"
PIXEL = "R0lGODlhAQABAAAAACw="
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
pytestmark = pytest.mark.usefixtures("provider", "keys")


def complete(model: str = "kimi/k3", **more: Any) -> HttpResult:
    return post(ask(model, **more), PATH)


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


EVERYTHING: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["END"],
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "max_completion_tokens": 50,
    "n": 2,
    "logprobs": True,
    "top_logprobs": 3,
    "tools": [WEATHER],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "city", "schema": {"type": "object"}, "strict": True},
    },
    "reasoning_effort": "low",
    "user": "u-1",
    "metadata": {"a": "b"},
    "logit_bias": {"50256": -100},
    "a_field_of_tomorrow": {"deep": [1, 2]},
}


def test_an_upstream_of_the_same_dialect_gets_everything_untouched(provider: Upstream) -> None:
    complete("opencode/grok", **EVERYTHING)

    sent = provider.last.json
    assert {name: sent[name] for name in EVERYTHING} == EVERYTHING


MESSAGES: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief.", "name": "boss"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Bonn"}'},
            }
        ],
        "a_field_of_tomorrow": 1,
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
]


def test_an_upstream_of_the_same_dialect_gets_every_message_untouched(provider: Upstream) -> None:
    post({"model": "opencode/grok", "messages": MESSAGES}, PATH)

    assert provider.last.json["messages"] == MESSAGES


CUSTOM: list[dict[str, Any]] = [
    {"role": "user", "content": []},
    {"role": "function", "name": "weather", "content": "12 degrees"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x", "input": "y"}}],
    },
]


def test_an_upstream_of_the_same_dialect_gets_what_the_form_does_not_know(
    provider: Upstream,
) -> None:
    tools = [WEATHER, {"type": "custom", "custom": {"name": "x"}}]
    post({"model": "opencode/grok", "messages": CUSTOM, "tools": tools}, PATH)

    assert provider.last.json["messages"] == CUSTOM
    assert provider.last.json["tools"] == tools


def test_ollama_takes_openais_old_function_role_for_a_tools(provider: Upstream) -> None:
    post({"model": "m", "messages": CUSTOM[1:2]}, PATH)

    (turn,) = provider.last.json["messages"]
    assert turn == {"role": "tool", "content": "12 degrees", "tool_name": "weather"}


def test_a_call_that_is_none_of_a_function_is_refused_for_ollama(provider: Upstream) -> None:
    result = post({"model": "m", "messages": CUSTOM}, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, "messages.2.tool_calls")


def test_ollama_gets_options_and_format_in_its_own_words(provider: Upstream) -> None:
    said = {name: EVERYTHING[name] for name in EVERYTHING}
    for name in ("n", "tool_choice", "parallel_tool_calls", "logit_bias", "a_field_of_tomorrow"):
        del said[name]
    complete("llama3.2", **said)

    sent = provider.last.json
    assert sent["options"] == {
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stop": ["END"],
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "num_predict": 50,
    }
    assert (sent["format"], sent["think"]) == ({"type": "object"}, "low")
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 3)
    assert sent["tools"] == [WEATHER]


def test_ollama_gets_turns_pictures_and_tools_in_its_own_words(provider: Upstream) -> None:
    messages = [
        MESSAGES[0],
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is it?"},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
            ],
        },
        MESSAGES[2],
        MESSAGES[3],
    ]
    post({"model": "llama3.2", "messages": messages}, PATH)

    system, user, assistant, tool = provider.last.json["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert (user["content"], user["images"]) == ("What is it?", [PIXEL])
    assert assistant["tool_calls"][0]["function"]["arguments"] == {"city": "Bonn"}
    assert (tool["tool_name"], tool["content"]) == ("weather", "12 degrees")


def test_ollama_is_not_told_of_tools_that_may_not_be_called(provider: Upstream) -> None:
    complete("llama3.2", tools=[WEATHER], tool_choice="none")

    assert "tools" not in provider.last.json


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2),
        ("logit_bias", {"1": 5}),
        ("a_field_of_tomorrow", 1),
        ("modalities", ["audio"]),
        ("chat_template_kwargs", {"custom": 1}),
        ("guided_json", {"type": "object"}),
    ],
)
def test_what_ollama_cannot_honour_is_400_that_names_it(
    provider: Upstream, field: str, value: Any
) -> None:
    result = complete("llama3.2", **{field: value})

    error = result.json["error"]
    assert (result.status, error["param"], error["code"]) == (400, field, "unsupported_parameter")
    assert provider.received == []


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_tool_choice_that_ollama_cannot_force_is_400(provider: Upstream, choice: Any) -> None:
    result = complete("llama3.2", tools=[WEATHER], tool_choice=choice)

    assert (result.status, result.json["error"]["param"]) == (400, "tool_choice")


def test_what_cannot_be_honoured_is_dropped_if_chatd_toml_says_so_and_told(
    provider: Upstream, config: Path
) -> None:
    config.write_text("drop_params = true")

    result = complete("llama3.2", n=2, logit_bias={"1": 5})

    assert result.status == 200
    assert result.headers["x-chatd-dropped-params"] == "n, logit_bias"


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x", "ключ", "x" * 10_000, "a, b"])
def test_a_dropped_fields_name_cannot_write_headers(
    provider: Upstream, config: Path, name: str
) -> None:
    config.write_text("drop_params = true")

    assert complete("llama3.2", **{name: 1}).headers["x-chatd-dropped-params"] == "?"


@pytest.mark.parametrize(
    "harmless",
    [
        {"user": "u", "metadata": {"a": "b"}, "store": True},
        {"n": 1, "logit_bias": {}, "modalities": ["text"], "logprobs": False},
        {"presence_penalty": 0, "frequency_penalty": 0, "tool_choice": "auto"},
        {"service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s"},
        {"parallel_tool_calls": True, "response_format": {"type": "text"}, "prediction": None},
    ],
)
@pytest.mark.parametrize("model", ["llama3.2", "ollama_cloud/m", "kimi/k3"])
def test_defaults_and_what_changes_no_answer_are_always_taken(
    provider: Upstream, model: str, harmless: dict[str, Any]
) -> None:
    result = complete(model, **harmless)

    assert result.status == 200
    assert "x-chatd-dropped-params" not in result.headers


def test_kimi_has_a_temperature_of_its_own_and_the_caller_is_told(provider: Upstream) -> None:
    result = complete("kimi/k3", temperature=0.3)

    assert "temperature" not in provider.last.json
    assert result.headers["x-chatd-dropped-params"] == "temperature"


@pytest.mark.parametrize("url", ["https://x.example/a.png", "data:image/png,raw", "file:///etc"])
def test_a_picture_that_ollama_would_have_to_fetch_is_refused(provider: Upstream, url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]

    result = post({"model": "m", "messages": [{"role": "user", "content": content}]}, PATH)

    assert (result.status, result.json["error"]["param"]) == (
        400,
        "messages.0.content.0.image_url.url",
    )


def test_a_piece_that_ollama_does_not_know_is_refused(provider: Upstream) -> None:
    content = [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]

    result = post({"model": "m", "messages": [{"role": "user", "content": content}]}, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, "messages.0.content.0")


@pytest.mark.parametrize("arguments", ["", "not json", "[1]", "[" * 100_000])
def test_arguments_that_are_no_object_are_refused_for_ollama(
    provider: Upstream, arguments: str
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "y"},
    ]

    result = post({"model": "m", "messages": messages}, PATH)

    assert result.status == (200 if arguments == "" else 400)


def ollama_call(**more: Any) -> dict[str, Any]:
    call = {"function": {"name": "weather", "arguments": {"city": "Köln"}}, **more}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def openai_call() -> dict[str, Any]:
    function = {"name": "weather", "arguments": '{"city": "Köln"}'}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_9", "type": "function", "function": function}],
    }


def test_ollamas_tool_call_becomes_openais(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(message=ollama_call()))

    (choice,) = complete("llama3.2", tools=[WEATHER]).json["choices"]

    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Köln"}
    assert call["id"].startswith("call_")


def test_ollamas_own_call_id_is_kept(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(message=ollama_call(id="mine")))

    (choice,) = complete("llama3.2", tools=[WEATHER]).json["choices"]

    assert choice["message"]["tool_calls"][0]["id"] == "mine"


def test_a_limit_outlives_a_tool_call(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(message=ollama_call(), done_reason="length"))

    (choice,) = complete("llama3.2", tools=[WEATHER]).json["choices"]

    assert choice["finish_reason"] == "length"


def test_a_tool_call_of_the_same_dialect_is_passed_on(provider: Upstream) -> None:
    body = answers.openai_chat()
    body["choices"][0] = {"message": openai_call(), "finish_reason": "tool_calls"}
    provider.script = reply(body)

    (choice,) = complete(tools=[WEATHER]).json["choices"]

    assert choice["message"]["tool_calls"] == openai_call()["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"


def test_ollamas_tool_call_survives_the_last_line_of_its_stream(provider: Upstream) -> None:
    lines = [{"message": ollama_call(), "done": False}, {**answers.ollama_chat(""), "done": True}]
    provider.script = chunked([answers.json_line(line) for line in lines])

    chunks = stream(ask("llama3.2", tools=[WEATHER]), PATH).json

    deltas = [choice for chunk in chunks for choice in chunk["choices"]]
    (call,) = [call for delta in deltas for call in delta["delta"].get("tool_calls", [])]
    assert deltas[-1]["finish_reason"] == "tool_calls"
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Köln"}


def test_a_tool_call_in_pieces_stays_in_pieces(provider: Upstream) -> None:
    pieces: list[dict[str, Any]] = [
        {"index": 0, "id": "call_9", "type": "function", "function": {"name": "weather"}},
        {"index": 0, "function": {"arguments": '{"city": '}},
        {"index": 0, "function": {"arguments": '"Bonn"}'}},
    ]
    events = [
        answers.sse({"choices": [{"index": 0, "delta": {"tool_calls": [piece]}}]})
        for piece in pieces
    ]
    end = answers.sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    provider.script = chunked([*events, end])

    chunks = stream(ask("kimi/k3", tools=[WEATHER]), PATH).json

    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    assert (calls[0]["id"], calls[0]["function"]["name"]) == ("call_9", "weather")
    assert "".join(call["function"]["arguments"] for call in calls) == '{"city": "Bonn"}'


def test_several_choices_come_back_as_several(provider: Upstream) -> None:
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


def test_several_choices_of_a_stream_are_kept_apart(provider: Upstream) -> None:
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
def test_thinking_is_kept_apart_as_reasoning_content(provider: Upstream, field: str) -> None:
    body = answers.openai_chat()
    body["choices"][0]["message"][field] = "Hm."
    provider.script = reply(body)

    (choice,) = complete().json["choices"]

    assert choice["message"]["reasoning_content"] == "Hm."


@pytest.mark.parametrize(
    ("model", "field"), [("kimi/k3", "reasoning_content"), ("openrouter/v/m", "reasoning")]
)
def test_thinking_that_the_caller_sends_back_reaches_the_provider(
    provider: Upstream, model: str, field: str
) -> None:
    messages = [
        {"role": "user", "content": "x"},
        {**openai_call(), "reasoning_content": "Hm."},
        {"role": "tool", "tool_call_id": "call_9", "content": "y"},
    ]

    post({"model": model, "messages": messages}, PATH)

    assert provider.last.json["messages"][1][field] == "Hm."


def test_kimi_gets_no_empty_text_beside_a_tool_call(provider: Upstream) -> None:
    messages = [
        {"role": "user", "content": "x"},
        {**openai_call(), "content": ""},
        {"role": "tool", "tool_call_id": "call_9", "content": "y"},
    ]

    post({"model": "kimi/k3", "messages": messages}, PATH)

    assert "content" not in provider.last.json["messages"][1]


def test_logprobs_of_ollama_become_openais(provider: Upstream) -> None:
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


def test_a_finish_reason_that_openai_does_not_know_is_stop(provider: Upstream) -> None:
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
        (ask("m", tools=[{"type": "custom", "custom": {"name": "x"}}]), "tools"),
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
def test_a_mistake_is_named_by_its_field(provider: Upstream, body: Any, param: str) -> None:
    result = post(body, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, param)
    assert provider.received == []


@pytest.mark.parametrize("model", ["llama3.2", "kimi/k3"])
def test_a_model_that_the_provider_lacks_is_404_here(provider: Upstream, model: str) -> None:
    provider.script = reply({"error": "model not found"}, 404)

    whole, streamed = complete(model), stream(ask(model), PATH)

    error = whole.json["error"]
    assert (whole.status, streamed.status) == (404, 404)
    assert (error["code"], error["upstream_status"]) == ("model_not_found", 404)


def test_a_refused_key_tells_clients_not_to_retry(provider: Upstream) -> None:
    provider.script = reply({"error": "bad key"}, 401)

    assert complete().headers["x-should-retry"] == "false"


def test_the_refusal_of_many_fields_names_a_few(provider: Upstream) -> None:
    request = {**ask("m"), **{f"field_{n}": n for n in range(5_000)}}

    error = post(request, "/v1/chat/completions").json["error"]
    assert error["code"] == "unsupported_parameter"
    assert error["message"].startswith("ollama cannot honour 'field_0', 'field_1'")
    assert "and 4990 more" in error["message"]
