"""A request of another surface is written in OpenAI's chat dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.canonical.content import (
    Block,
    Document,
    Image,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, NamedTool, OpaqueTool, Tool
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.errors import InvalidRequestError

ROW = Provider(name="mine", dialect="openai_chat", base_url="http://mine/v1")
FOREIGN = Extra("anthropic_messages", {"cache_control": {"type": "ephemeral"}})
PICTURE = Image("data:image/png;base64,AAAA", FOREIGN)
WRITTEN_PICTURE = {"type": "image_url", "image_url": {"url": PICTURE.url}}


def request(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest("m", messages or (Message("user", (Text("Hi"),)),), **fields)


def body(given: ChatRequest) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(OpenAIChat().build(given, ROW, None).body or b"")
    return written


def turns(role: str, *blocks: Block) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = body(request(Message(role, blocks)))["messages"]
    return messages


def test_each_tool_result_is_a_separate_message_followed_by_its_images() -> None:
    written = turns(
        "user",
        ToolResult("c1", (Text("one"), PICTURE), extra=FOREIGN),
        ToolResult("c2", (), is_error=True),
        Text("Go on.", FOREIGN),
    )

    assert written == [
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": ""},
        {"role": "user", "content": [WRITTEN_PICTURE, {"type": "text", "text": "Go on."}]},
    ]


def test_thinking_and_calls_are_written_beside_the_text() -> None:
    written = turns(
        "assistant",
        Thinking("Hm. ", signature="s"),
        Thinking(redacted="r"),
        Text("Let me look."),
        ToolCall("c", "look", "{}", extra=FOREIGN),
    )

    function = {"name": "look", "arguments": "{}"}
    assert written == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "reasoning_content": "Hm. ",
            "tool_calls": [{"id": "c", "type": "function", "function": function}],
        }
    ]


def test_a_document_is_a_file_or_its_text() -> None:
    data = "data:application/pdf;base64,AA"

    (turn,) = turns("user", Document(url=data, title="a.pdf"), Document(text="Words"))

    assert turn["content"] == [
        {"type": "file", "file": {"file_data": data, "filename": "a.pdf"}},
        {"type": "text", "text": "Words"},
    ]


def test_a_block_of_another_dialect_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="'search_result'"):
        turns("user", Opaque("search_result", FOREIGN))


def test_a_tool_choice_names_its_function() -> None:
    tool = Tool("look", "Looks.", {"type": "object"}, extra=FOREIGN)

    written = body(request(tools=(tool,), tool_choice=NamedTool("look")))

    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}
    assert written["tools"] == [{"type": "function", "function": function}]
    assert written["tool_choice"] == {"type": "function", "function": {"name": "look"}}


def test_fields_of_another_dialect_are_omitted_and_named() -> None:
    server = OpaqueTool("web_search_20250305", Extra("anthropic_messages", {"max_uses": 8}))
    given = request(
        Message("user", (ToolResult("c", (), is_error=True), Text("Hi", FOREIGN))),
        tools=(Tool("look", extra=FOREIGN), server),
        tool_choice=Opaque("", FOREIGN),
    )

    assert OpenAIChat().omitted(given, ROW) == (
        "messages.content.cache_control",
        "tools.cache_control",
        "tools.web_search_20250305",
        "tool_choice",
        "messages.content.is_error",
    )
    assert "ephemeral" not in str(body(given))
    assert body(given)["tools"] == [{"type": "function", "function": {"name": "look"}}]
    assert "tool_choice" not in body(given)


def test_a_schema_keeps_its_description() -> None:
    given = request(format={"type": "object"}, schema_name="s", schema_description="d", strict=True)

    assert body(given)["response_format"] == {
        "type": "json_schema",
        "json_schema": {
            "name": "s",
            "description": "d",
            "schema": {"type": "object"},
            "strict": True,
        },
    }
