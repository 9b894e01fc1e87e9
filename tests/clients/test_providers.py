"""The stubs refuse requests that real providers refuse or misread."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import stub_ollama, stub_openai
from tests.clients.stub_model import RefusalError, reply

USER = {"role": "user", "content": "Hello."}
ARGUMENTS = {"city": "Zürich"}


def called(arguments: Any, **more: Any) -> dict[str, Any]:
    call = {"id": "c", "function": {"name": "weather", "arguments": arguments}, **more}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


OLLAMA: dict[str, dict[str, Any]] = {
    "a field of OpenAI's dialect": {"tool_choice": "required"},
    "content in parts": {"messages": [{"role": "user", "content": [USER]}]},
    "a developer": {"messages": [{"role": "developer", "content": "Be brief."}]},
    "arguments as a text": {"messages": [USER, called('{"city": "Zürich"}')]},
    "a result without its tool's name": {
        "messages": [called(ARGUMENTS), {"role": "tool", "content": "21", "tool_call_id": "c"}]
    },
    "an image by its URL": {"messages": [{**USER, "images": ["https://pictures.example/cat.png"]}]},
    "an image in a data URL": {"messages": [{**USER, "images": ["data:image/png;base64,iVBO"]}]},
    "a format of OpenAI's": {"format": "json_object"},
    "an unknown option": {"options": {"max_tokens": 5}},
}
OPENAI: dict[str, dict[str, Any]] = {
    "images outside the parts": {"messages": [{"role": "user", "images": ["iVBO"]}]},
    "a call without its type": {"messages": [called('{"city": "Zürich"}')]},
    "arguments as an object": {"messages": [called(ARGUMENTS, type="function")]},
    "a result of no call": {"messages": [{"role": "tool", "content": "21", "tool_call_id": "c"}]},
    "a tool without its type": {"tools": [{"type": "tool", "function": {"name": "weather"}}]},
    "a choice without tools": {"tool_choice": "required"},
    "a schema without a name": {
        "response_format": {"type": "json_schema", "json_schema": {"schema": {}}}
    },
    "stream_options without a stream": {"stream_options": {"include_usage": True}},
}


@pytest.mark.parametrize("wrong", OLLAMA)
def test_a_provider_of_ollamas_dialect_refuses(wrong: str) -> None:
    body = {"model": "llama3.2", "messages": [USER], **OLLAMA[wrong]}

    with pytest.raises(RefusalError):
        stub_ollama.parse_request("ollama", "/api/chat", body, honours_format=True)


@pytest.mark.parametrize("wrong", OPENAI)
def test_a_provider_of_openais_dialect_refuses(wrong: str) -> None:
    body = {"model": "vendor/large-1", "messages": [USER], **OPENAI[wrong]}

    with pytest.raises(RefusalError):
        stub_openai.parse_request("openrouter", body, {})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"temperature": 0.3}, {"user-agent": "chatd/1"}),
        ({"messages": [called("{}", type="function")]}, {"user-agent": "chatd/1"}),
        ({}, {"user-agent": "python-urllib3/2"}),
    ],
)
def test_kimi_refuses(body: dict[str, Any], headers: dict[str, str]) -> None:
    with pytest.raises(RefusalError):
        stub_openai.parse_request("kimi", {"model": "k3", "messages": [USER], **body}, headers)


def test_opencode_refuses_a_request_without_a_session() -> None:
    with pytest.raises(RefusalError):
        stub_openai.parse_request("opencode", {"model": "glm-5", "messages": [USER]}, {})


def test_ollama_streams_by_default() -> None:
    body = {"model": "llama3.2", "messages": [USER]}

    assert stub_ollama.parse_request("ollama", "/api/chat", body, honours_format=True).stream


def test_ollama_cloud_ignores_format() -> None:
    body = {"model": "m", "messages": [USER], "format": {"type": "object", "properties": {}}}
    request = stub_ollama.parse_request("ollama_cloud", "/api/chat", body, honours_format=False)

    assert reply(request).text == "ollama_cloud echoes: Hello."
