"""Tool calls of both dialects are returned in OpenAI's form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.chatd.surfaces.openai_chat.chats import (
    PATH,
    WEATHER,
    complete,
    openai_call,
)
from tests.support import answers
from tests.support.functions import ask, stream
from tests.support.upstream import Upstream, chunked, reply

pytestmark = pytest.mark.usefixtures("provider", "keys")


def ollama_call(**more: Any) -> dict[str, Any]:
    call = {"function": {"name": "weather", "arguments": {"city": "Köln"}}, **more}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def test_a_tool_call_of_ollama_is_written_in_openais_form(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(message=ollama_call()))

    (choice,) = complete("llama3.2", tools=[WEATHER]).json["choices"]

    (call,) = choice["message"]["tool_calls"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert (call["type"], call["function"]["name"]) == ("function", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Köln"}
    assert call["id"].startswith("call_")


def test_the_call_id_of_ollama_is_kept(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat(message=ollama_call(id="mine")))

    (choice,) = complete("llama3.2", tools=[WEATHER]).json["choices"]

    assert choice["message"]["tool_calls"][0]["id"] == "mine"


def test_the_finish_reason_length_is_kept_with_a_tool_call(provider: Upstream) -> None:
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


def test_a_streamed_tool_call_of_ollama_is_written_in_openais_form(provider: Upstream) -> None:
    lines = [{"message": ollama_call(), "done": False}, {**answers.ollama_chat(""), "done": True}]
    provider.script = chunked([answers.json_line(line) for line in lines])

    chunks = stream(ask("llama3.2", tools=[WEATHER]), PATH).json

    deltas = [choice for chunk in chunks for choice in chunk["choices"]]
    (call,) = [call for delta in deltas for call in delta["delta"].get("tool_calls", [])]
    assert deltas[-1]["finish_reason"] == "tool_calls"
    assert (call["index"], call["type"], call["function"]["name"]) == (0, "function", "weather")
    assert json.loads(call["function"]["arguments"]) == {"city": "Köln"}


def test_the_pieces_of_a_tool_call_are_streamed_as_pieces(provider: Upstream) -> None:
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
