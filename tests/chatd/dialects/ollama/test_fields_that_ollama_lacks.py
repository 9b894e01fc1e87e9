"""Ollama's dialect refuses, drops and names, or translates the fields that Ollama lacks."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import (
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
from chatd.config.catalog import CATALOG
from chatd.dialects import dialect_for
from chatd.dialects.ollama.messages import unwritten, written
from chatd.errors import InvalidRequestError

ROW = CATALOG["ollama"]
HI = Message("user", (Text("Hi"),))
TOOL = Tool("f", "d", {"type": "object", "additionalProperties": False})
PLAIN = Tool("f")
OTHER = OpaqueTool("web_search", Extra("openai_chat"))


def request(**fields: Any) -> ChatRequest:
    return ChatRequest("m", (HI,), **fields)


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        *(({}, ()), ({"n": 1}, ()), ({"n": None}, ()), ({"n": 2}, ("n",))),
        *(({"tool_choice": "required"}, ()), ({"parallel_tool_calls": False}, ())),
        *(({"tools": (PLAIN,), "tool_choice": choice}, ()) for choice in (None, "auto", "none")),
        ({"tools": (PLAIN,), "tool_choice": "required"}, ("tool_choice",)),
        ({"tools": (PLAIN,), "tool_choice": NamedTool("f")}, ("tool_choice",)),
        ({"tools": (PLAIN,), "parallel_tool_calls": True}, ()),
        ({"tools": (PLAIN,), "parallel_tool_calls": None}, ()),
        ({"tools": (PLAIN,), "parallel_tool_calls": False}, ("parallel_tool_calls",)),
        ({"tools": (PLAIN, OTHER)}, ()),
        ({"tools": (OTHER,), "n": 3, "tool_choice": "required"}, ("n", "tool_choice")),
    ],
    ids=str,
)
def test_a_field_that_changes_the_answer_is_refused(fields: Any, refused: tuple[str, ...]) -> None:
    given = request(**fields)

    assert dialect_for(ROW, given).refused(given, ROW) == refused


@pytest.mark.parametrize(
    ("fields", "omitted"),
    [
        *(({}, ()), ({"tools": (PLAIN,)}, ())),
        ({"tools": (TOOL,)}, ("tools.additionalProperties",)),
        ({"tools": (TOOL, OTHER)}, ("tools.web_search", "tools.additionalProperties")),
        ({"tools": (TOOL,), "tool_choice": "none"}, ()),
        ({"tools": (Tool("f", strict=True),)}, ("tools.strict",)),
        ({"tools": (Tool("f", strict=False), PLAIN)}, ()),
        ({"tools": (Tool("f", strict=True),), "tool_choice": "none"}, ()),
        ({"schema_description": "d", "format": {}}, ("response_format.description",)),
        ({"schema_description": ""}, ()),
    ],
    ids=str,
)
def test_dropped_fields_are_named(fields: Any, omitted: tuple[str, ...]) -> None:
    given = request(**fields)

    assert dialect_for(ROW, given).omitted(given, ROW) == omitted


@pytest.mark.parametrize(
    ("role", "is_named"), [("user", True), ("tool", False), ("function", False)]
)
def test_the_dropped_name_of_a_turn_is_named_except_for_tools(role: str, is_named: bool) -> None:
    given = ChatRequest("m", (Message(role, (Text("a"),), name="ann"),))

    assert unwritten(given) == (("messages.name",) if is_named else ())


@pytest.mark.parametrize(
    ("role", "written_role"),
    [("system", "system"), ("developer", "system"), ("user", "user"), ("assistant", "assistant")],
)
def test_a_role_is_written_as_ollamas_role(role: str, written_role: str) -> None:
    assert written([Message(role, (Text("a"),))]) == [{"role": written_role, "content": "a"}]
    parts = (Text("a"), Text("b"))
    assert written([Message(role, parts)]) == [{"role": written_role, "content": "ab"}]


def test_a_function_turn_is_written_as_a_tool_turn() -> None:
    turn = Message("function", (Text("a"),), name="f")

    assert written([turn]) == [{"role": "tool", "content": "a", "tool_name": "f"}]
    assert written([Message("user", (Text("a"),), name="f")]) == [{"role": "user", "content": "a"}]


def test_an_assistants_turn_has_thinking_text_images_and_calls() -> None:
    image = Image("data:image/png;base64,AAAA")
    calls = (ToolCall("i", "f", '{"a": 1}'), ToolCall("j", "g", ""))
    (turn,) = written([Message("assistant", (Thinking("t"), Text("a"), image, *calls))])

    assert turn == {
        "role": "assistant",
        "content": "a",
        "images": ["AAAA"],
        "thinking": "t",
        "tool_calls": [
            {"id": "i", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}},
            {"id": "j", "function": {"index": 1, "name": "g", "arguments": {}}},
        ],
    }


def test_each_tool_result_is_a_turn_and_further_text_is_a_user_turn() -> None:
    call = Message("assistant", (ToolCall("i", "f", "{}"),))
    results = Message(
        "tool", (ToolResult("i", (Text("a"),)), Text("more"), ToolResult("j", (Text("b"),)))
    )
    _, *turns = written([call, results])

    assert turns == [
        {"role": "tool", "content": "a", "tool_call_id": "i", "tool_name": "f"},
        {"role": "tool", "content": "b", "tool_call_id": "j"},
        {"role": "user", "content": "more"},
    ]
    (named,) = written([Message("tool", (ToolResult("j", (Text("b"),)),), name="g")])
    assert named["tool_name"] == "g"


def test_a_plain_document_is_written_as_text() -> None:
    parts = (Text("a"), Document(text="b"))

    assert written([Message("user", parts)]) == [{"role": "user", "content": "ab"}]


@pytest.mark.parametrize(
    ("block", "param"),
    [
        (Document(url="data:application/pdf;base64,AAAA"), "messages.1.content.1"),
        (Opaque("input_audio", Extra("openai_chat")), "messages.1.content.1"),
        (Image("https://x.example/a.png"), "messages.1.content.1.image_url.url"),
        (Image("data:image/png,AAAA"), "messages.1.content.1.image_url.url"),
        (Image("data:image/png;base64,"), "messages.1.content.1.image_url.url"),
        (Image("image/png;base64,AAAA"), "messages.1.content.1.image_url.url"),
        (ToolCall("i", "f", "["), "messages.1.tool_calls"),
        (ToolCall("i", "f", "[]"), "messages.1.tool_calls"),
        (ToolCall("i", "f", "[" * 100_000), "messages.1.tool_calls"),
        (ToolCall("i", "f", "{}", "custom"), "messages.1.tool_calls"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_block_that_ollama_lacks_is_refused_by_its_place(block: Any, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        written([HI, Message("assistant", (Text("a"), block))])

    assert caught.value.param == param
