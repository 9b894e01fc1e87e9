"""Turns of any dialect become the input items of OpenAI's Responses."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import (
    Block,
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.extra import Extra
from chatd.canonical.request import Message
from chatd.dialects.openai_responses.items import call_id, written
from chatd.errors import InvalidRequestError

OWN = "openai_responses"
DETAIL = {"detail": "low"}


def items(role: str, *blocks: Block, **more: Any) -> list[Any]:
    return written([Message(role, blocks)], **more)


def test_a_text_of_the_caller_is_a_string_and_one_of_the_model_a_part() -> None:
    assert items("user", Text("Hi")) == [{"type": "message", "role": "user", "content": "Hi"}]
    assert items("system", Text("Be brief.")) == [
        {"type": "message", "role": "system", "content": "Be brief."}
    ]
    assert items("assistant", Text("Hello.")) == [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "annotations": [], "text": "Hello."}],
            "status": "completed",
        }
    ]


def test_pictures_and_files_are_parts() -> None:
    (item,) = items(
        "user",
        Text("See"),
        Image(
            "data:image/png;base64,AA", Extra("openai_chat", {}, {"image_url": {"detail": "low"}})
        ),
        Document("data:application/pdf;base64,AA", title="a.pdf"),
        Document("data:application/pdf;base64,AA"),
        Document("https://h/a.pdf"),
        Document(text="plain"),
    )

    assert item["content"] == [
        {"type": "input_text", "text": "See"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": "data:application/pdf;base64,AA",
        },
        {
            "type": "input_file",
            "filename": "document.pdf",
            "file_data": "data:application/pdf;base64,AA",
        },
        {"type": "input_file", "file_url": "https://h/a.pdf"},
        {"type": "input_text", "text": "plain"},
    ]


def test_each_call_and_result_is_an_item_between_the_messages() -> None:
    turns = [
        Message(
            "assistant",
            (
                Text("Let me see."),
                ToolCall("c1", "weather", '{"a":1}'),
                ToolCall("c2", "patch", "*** Begin", "custom", namespace="ns"),
                Text("Wait."),
            ),
        ),
        Message(
            "user",
            (
                ToolResult("c1", (Text("Sun"),)),
                ToolResult("c2", (Text("done"), Image("https://h/a.png"))),
                ToolResult("c3"),
                Text("And now?"),
            ),
        ),
    ]

    assert [{**item, "content": ...} if "content" in item else item for item in written(turns)] == [
        {"type": "message", "role": "assistant", "content": ..., "status": "completed"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"a":1}'},
        {
            "type": "custom_tool_call",
            "call_id": "c2",
            "name": "patch",
            "input": "*** Begin",
            "namespace": "ns",
        },
        {"type": "message", "role": "assistant", "content": ..., "status": "completed"},
        {"type": "function_call_output", "call_id": "c1", "output": "Sun"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c2",
            "output": [
                {"type": "input_text", "text": "done"},
                {"type": "input_image", "image_url": "https://h/a.png", "detail": "auto"},
            ],
        },
        {"type": "function_call_output", "call_id": "c3", "output": ""},
        {"type": "message", "role": "user", "content": ...},
    ]


def test_a_long_id_is_made_to_fit_the_same_way_in_call_and_result() -> None:
    long = "call_" + "x" * 90
    call, result = written(
        [
            Message("assistant", (ToolCall(long, "f", "{}"),)),
            Message("tool", (ToolResult(long, (Text("1"),)),)),
        ]
    )

    assert call["call_id"] == result["call_id"] != long
    assert len(call["call_id"]) <= 64
    assert call_id("x" * 64) == "x" * 64
    assert call_id(long) != call_id(long + "y")
    assert call_id("") == call_id("")
    assert call_id("\ud800" * 65)


def test_encrypted_reasoning_is_an_item_with_its_summary() -> None:
    own = Extra(OWN, {"id": "rs_1", "summary": [{"type": "summary_text", "text": "A"}], "x": 1})

    assert items("assistant", Thinking("Hm.", "gAAA"), Text("Hi"))[0] == {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "gAAA",
    }
    assert items("assistant", Thinking("", "gAAA"))[0]["summary"] == []
    assert items("assistant", Thinking("", redacted="gAAA"))[0]["encrypted_content"] == "gAAA"
    assert items("assistant", Thinking("A", "gAAA", extra=own)) == [
        {**own.fields, "type": "reasoning", "encrypted_content": "gAAA"}
    ]


def test_reasoning_without_encrypted_content_is_left_out_unless_it_is_read() -> None:
    thought = Thinking("Hm.")

    assert items("assistant", thought, Text("Hi"))[0]["type"] == "message"
    assert items("assistant", thought, readable_reasoning=True) == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
    ]
    assert items("assistant", Thinking(), readable_reasoning=True) == []


def test_the_fields_of_an_item_of_this_dialect_are_written_again() -> None:
    of_item = Extra(OWN, {"annotations": [1]}, {"item": {"id": "msg_1", "phase": "commentary"}})
    again = Extra(OWN, {}, {"item": {"id": "msg_2"}})

    found = items("assistant", Text("A", of_item), Text("B"), Text("C", again), Refusal("No."))

    assert [
        {name: item[name] for name in item if name not in ("content", "status")} for item in found
    ] == [
        {"type": "message", "role": "assistant", "id": "msg_1", "phase": "commentary"},
        {"type": "message", "role": "assistant", "id": "msg_2"},
    ]
    assert [part["type"] for part in found[1]["content"]] == ["output_text", "refusal"]
    assert found[0]["content"][0]["annotations"] == [1]
    result = ToolResult("c", (), extra=Extra(OWN, {"id": "x"}, {"item": {"type": "custom_x"}}))
    assert items("tool", result) == [{"type": "custom_x", "id": "x", "call_id": "c", "output": ""}]


def test_an_item_or_part_that_only_this_dialect_knows_is_written_again() -> None:
    search = Opaque("web_search_call", Extra(OWN, {"id": "ws_1"}))
    file = Opaque("input_file", Extra(OWN, {"file_id": "f_1"}))

    assert items("assistant", search, Text("Hi"))[0] == {"type": "web_search_call", "id": "ws_1"}
    assert items("user", Text("See"), file)[0]["content"][1] == {
        "type": "input_file",
        "file_id": "f_1",
    }


@pytest.mark.parametrize(
    ("role", "block"),
    [
        ("user", Opaque("input_audio", Extra("openai_chat", {}))),
        ("user", Opaque("search_result", Extra("anthropic_messages", {}))),
        ("assistant", Image("https://h/a.png")),
        ("function", Text("1")),
    ],
)
def test_content_that_the_dialect_lacks_is_refused(role: str, block: Block) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        items(role, block)

    assert caught.value.param == "messages"


def test_a_turn_without_content_is_no_item() -> None:
    assert items("assistant") == items("user") == []
