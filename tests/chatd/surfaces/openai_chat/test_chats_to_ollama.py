"""Ollama gets each field of an OpenAI chat in its own form, or the field is refused or named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.chatd.surfaces.openai_chat.chats import (
    ALL_FIELDS,
    CUSTOM_TURNS,
    MESSAGES,
    PATH,
    WEATHER,
    complete,
)
from tests.support.functions import post
from tests.support.upstream import Upstream

PIXEL = "R0lGODlhAQABAAAAACw="
pytestmark = pytest.mark.usefixtures("provider", "keys")


def test_ollama_gets_a_function_turn_as_a_tool_turn(provider: Upstream) -> None:
    post({"model": "m", "messages": CUSTOM_TURNS[1:2]}, PATH)

    (turn,) = provider.last.json["messages"]
    assert turn == {"role": "tool", "content": "12 degrees", "tool_name": "weather"}


def test_a_custom_tool_call_becomes_a_function_call_for_ollama(provider: Upstream) -> None:
    result = post({"model": "m", "messages": CUSTOM_TURNS}, PATH)

    assert result.status == 200
    (call,) = provider.last.json["messages"][2]["tool_calls"]
    assert call["function"]["arguments"].keys() == {"input"}


def test_options_and_format_are_translated_for_ollama(provider: Upstream) -> None:
    fields = {name: ALL_FIELDS[name] for name in ALL_FIELDS}
    for name in ("n", "tool_choice", "parallel_tool_calls", "logit_bias", "a_future_field"):
        del fields[name]
    complete("llama3.2", **fields)

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


def test_turns_images_and_tools_are_translated_for_ollama(provider: Upstream) -> None:
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


def test_ollama_gets_no_tools_when_tool_choice_is_none(provider: Upstream) -> None:
    complete("llama3.2", tools=[WEATHER], tool_choice="none")

    assert "tools" not in provider.last.json


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 2),
        ("logit_bias", {"1": 5}),
        ("a_future_field", 1),
        ("modalities", ["audio"]),
        ("chat_template_kwargs", {"custom": 1}),
        ("guided_json", {"type": "object"}),
    ],
)
def test_a_field_that_ollama_cannot_honour_is_400_with_its_name(
    provider: Upstream, field: str, value: Any
) -> None:
    result = complete("llama3.2", **{field: value})

    error = result.json["error"]
    assert (result.status, error["param"], error["code"]) == (400, field, "unsupported_parameter")
    assert provider.received == []


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "weather"}}]
)
def test_a_tool_choice_beside_a_format_is_400(provider: Upstream, choice: Any) -> None:
    form = {"type": "json_object"}
    result = complete("llama3.2", tools=[WEATHER], tool_choice=choice, response_format=form)

    assert (result.status, result.json["error"]["param"]) == (400, "tool_choice")


def test_drop_params_drops_and_names_fields_that_ollama_cannot_honour(
    provider: Upstream, config: Path
) -> None:
    config.write_text("drop_params = true")

    result = complete("llama3.2", n=2, logit_bias={"1": 5})

    assert result.status == 200
    assert result.headers["x-chatd-dropped-params"] == "n, logit_bias"


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x", "ключ", "x" * 10_000, "a, b"])
def test_the_name_of_a_dropped_field_cannot_add_a_header(
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
def test_defaults_and_fields_without_effect_on_the_answer_are_accepted(
    provider: Upstream, model: str, harmless: dict[str, Any]
) -> None:
    result = complete(model, **harmless)

    assert result.status == 200
    assert "x-chatd-dropped-params" not in result.headers


@pytest.mark.parametrize("url", ["https://x.example/a.png", "data:image/png,raw", "file:///etc"])
def test_an_image_without_base64_data_is_refused_for_ollama(provider: Upstream, url: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]

    result = post({"model": "m", "messages": [{"role": "user", "content": content}]}, PATH)

    assert (result.status, result.json["error"]["param"]) == (
        400,
        "messages.0.content.0.image_url.url",
    )


def test_audio_content_is_refused_for_ollama(provider: Upstream) -> None:
    content = [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]

    result = post({"model": "m", "messages": [{"role": "user", "content": content}]}, PATH)

    assert (result.status, result.json["error"]["param"]) == (400, "messages.0.content.0")


@pytest.mark.parametrize("arguments", ["", "not json", "[1]", "[" * 100_000])
def test_tool_arguments_other_than_an_object_are_refused_for_ollama(
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
