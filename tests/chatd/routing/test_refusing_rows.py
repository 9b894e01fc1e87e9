"""What a row's `refuses` and `schema_models` change in a chat, from end to end."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Upstream, chunked, reply

CHAT = "/v1/chat/completions"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "answer", "schema": CITY}}
PARIS = '{"city":"Paris"}'

pytestmark = pytest.mark.usefixtures("keys")


def asked(model: str, **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Where?"}], **fields}


def test_a_forced_tool_is_a_format_for_a_row_without_a_choice_of_tools(provider: Upstream) -> None:
    provider.script = reply(answers.openai_chat(PARIS))

    result = post(asked("zai/glm-5", tools=[TOOL], tool_choice="required"), CHAT)

    sent = provider.last.json
    assert "tools" not in sent
    assert sent["response_format"] == {"type": "json_object"}
    assert "Call the function" in json.dumps(sent["messages"][0]["content"])
    (call,) = result.json["choices"][0]["message"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": PARIS}


def test_other_tools_stay_tools_for_a_row_without_a_choice_of_tools(provider: Upstream) -> None:
    post(asked("zai/glm-5", tools=[TOOL], tool_choice="auto"), CHAT)

    assert provider.last.json["tools"] == [TOOL]


def test_tools_are_a_400_that_names_them_for_a_row_without_any(provider: Upstream) -> None:
    result = post(asked("perplexity/sonar", tools=[TOOL]), CHAT)

    error = result.json["error"]
    assert (result.status, error["param"]) == (400, "tools")
    assert "perplexity cannot honour" in error["message"]
    assert provider.received == []


def test_a_format_beside_tools_is_described_where_both_are_refused(provider: Upstream) -> None:
    provider.script = reply(answers.openai_chat(PARIS))

    result = post(asked("fireworks/m", tools=[TOOL], response_format=FORMAT), CHAT)

    sent = provider.last.json
    assert (result.status, sent["tools"]) == (200, [TOOL])
    assert "response_format" not in sent
    assert json.dumps(CITY) in sent["messages"][0]["content"]


def test_a_format_is_requested_whole_and_streamed_where_its_stream_is_refused(
    provider: Upstream,
) -> None:
    provider.script = reply(answers.openai_chat(PARIS))
    body = asked("groq/openai/gpt-oss-120b", response_format=FORMAT, stream=True)

    streamed = stream(body, CHAT)

    assert "stream" not in provider.last.json
    assert provider.last.json["response_format"] == FORMAT
    assert b"Paris" in streamed.body
    assert streamed.body.endswith(b"data: [DONE]\n\n")


def test_a_schema_that_the_model_does_not_enforce_is_described_and_checked(
    provider: Upstream,
) -> None:
    wrong, right = reply(answers.openai_chat('{"town":1}')), reply(answers.openai_chat(PARIS))

    def script(connection: socket.socket, received: Received) -> None:
        (wrong if len(provider.received) == 1 else right)(connection, received)

    provider.script = script

    result = post(ask("deepseek/deepseek-v4-flash", format=CITY))

    assert (result.status, result.json["content"]) == (200, PARIS)
    assert len(provider.received) == 2
    assert provider.last.json["response_format"] == {"type": "json_object"}
    assert json.dumps(CITY) in provider.last.json["messages"][0]["content"]


def test_a_row_that_only_streams_streams_for_every_caller(provider: Upstream) -> None:
    provider.script = chunked(answers.openai_chunks("Hel", "lo!"))

    result = post(ask("dashscope/qwen3-max"))

    assert provider.last.json["stream"] is True
    assert result.json["content"] == "Hello!"


def test_what_a_row_drops_is_named(provider: Upstream) -> None:
    turns = [{"role": "user", "content": "Hi", "name": "Ann"}]

    result = post({"model": "mistral/m", "messages": turns, "store": True}, CHAT)

    assert result.headers["x-chatd-dropped-params"] == "store, messages.name"
    assert provider.last.json == {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
