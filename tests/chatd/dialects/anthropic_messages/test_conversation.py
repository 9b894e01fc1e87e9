"""A conversation of another dialect becomes user and assistant turns in alternation."""

from __future__ import annotations

import json
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
from chatd.canonical.request import ChatRequest, Message
from chatd.dialects.anthropic_messages.conversation import conversation
from chatd.errors import InvalidRequestError, RequestTooLargeError

PNG = "data:image/png;base64,AAAA"
MARK = {"type": "ephemeral"}
OWN = Extra("anthropic_messages", {"cache_control": MARK})
CHAT = Extra("openai_chat", {"cache_control": {**MARK, "ttl": "1h", "x": 1}})


def turn(role: str, *blocks: Block | str, **more: Any) -> Message:
    return Message(role, tuple(Text(b) if isinstance(b, str) else b for b in blocks), **more)


def written(*turns: Message, model: str = "m") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(conversation(ChatRequest(model, turns))))
    return found


def messages(*turns: Message, model: str = "m") -> list[Any]:
    found: list[Any] = written(*turns, model=model)["messages"]
    return found


def blocks(*given: Block, role: str = "user", model: str = "m") -> Any:
    return messages(turn(role, *given), model=model)[0]["content"]


HI = turn("user", "Hi")


def test_leading_system_turns_are_the_system_prompt() -> None:
    assert written(turn("system", "A"), HI)["system"] == "A"
    both = written(turn("system", "A", " "), turn("developer", "B"), HI)
    assert both["system"] == [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert "system" not in written(turn("system"), HI)


def test_a_conversation_of_system_turns_alone_has_a_user_turn() -> None:
    assert written(turn("system", "A"), turn("system", "B")) == {
        "system": "A",
        "messages": [{"role": "user", "content": "B"}],
    }


@pytest.mark.parametrize("model", ["m", "claude-opus-4-7"])
def test_a_later_system_turn_is_the_users_for_most_models(model: str) -> None:
    found = messages(HI, turn("assistant", "Yes?"), turn("system", "S"), HI, model=model)

    assert found[2] == {"role": "user", "content": [text("S"), text("Hi")]}


def test_a_later_system_turn_follows_the_user_turn_for_newer_models() -> None:
    turns = [HI, turn("system", "A"), turn("system", "B"), HI, turn("assistant", "Yes?")]

    found = messages(*turns, turn("system", "C"), model="claude-opus-5")

    assert found == [
        {"role": "user", "content": [text("Hi"), text("Hi")]},
        {"role": "system", "content": [text("A"), text("B")]},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "C"},
    ]


def text(given: str) -> dict[str, Any]:
    return {"type": "text", "text": given}


def test_turns_of_one_side_are_merged() -> None:
    found = messages(HI, turn("user", "there"), turn("assistant", "A"), turn("assistant", "B"), HI)

    assert [one["role"] for one in found] == ["user", "assistant", "user"]
    assert found[1]["content"] == [text("A"), text("B")]


def test_tool_results_come_first_in_the_order_of_the_calls() -> None:
    calls = (ToolCall("a:1", "f", '{"x": 1}'), ToolCall("b:2", "f", " "))
    found = messages(
        turn("assistant", "Wait.", *calls),
        turn("tool", ToolResult("b:2", (Text("B"),), is_error=True)),
        turn("user", "Hurry."),
        turn("tool", ToolResult("z", ()), ToolResult("a:1", (Text("A"), Image(PNG)))),
    )

    assert found[0]["content"][1:] == [
        {"type": "tool_use", "id": "a_1", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "b_2", "name": "f", "input": {}},
    ]
    image = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    pictured = [text("A"), {"type": "image", "source": image}]
    assert found[1]["content"] == [
        {"type": "tool_result", "tool_use_id": "a_1", "content": pictured},
        {"type": "tool_result", "tool_use_id": "b_2", "content": "B", "is_error": True},
        {"type": "tool_result", "tool_use_id": "z"},
        text("Hurry."),
    ]


def test_empty_texts_and_turns_are_left_out() -> None:
    found = messages(HI, turn("assistant", ""), turn("assistant"), turn("user", "", " \n", "More"))

    assert found == [{"role": "user", "content": "Hi"}, {"role": "user", "content": "More"}]


def test_a_conversation_without_content_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        messages(turn("user", " "))

    assert refusal.value.param == "messages"


def test_a_prefill_loses_the_white_space_at_its_end() -> None:
    assert messages(HI, turn("assistant", "Once \n"))[1]["content"] == "Once"


def test_a_refusal_is_a_text() -> None:
    assert blocks(Refusal("No."), role="assistant") == "No."


def test_thinking_needs_a_signature_for_claude_alone() -> None:
    given = (Thinking("A"), Thinking("B", "s"), Thinking(redacted="r"), Text("C"))

    signed = {"type": "thinking", "thinking": "B", "signature": "s"}
    rest = [signed, {"type": "redacted_thinking", "data": "r"}, text("C")]
    assert blocks(*given, role="assistant", model="claude-opus-5") == rest
    unsigned = {"type": "thinking", "thinking": "A", "signature": ""}
    assert blocks(*given, role="assistant", model="MiniMax-M3") == [unsigned, *rest]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            Document(url="data:application/pdf;base64,JVBERi0=", title="a.pdf"),
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
        ),
        (
            Document(url="DATA:text/markdown;charset=utf-8;base64,w6k=", title="a.pdf"),
            {"type": "text", "media_type": "text/plain", "data": "é"},
        ),
        (
            Document(text="T", title="a.pdf"),
            {"type": "text", "media_type": "text/plain", "data": "T"},
        ),
        (Document(url="https://h/a.pdf", title="a.pdf"), {"type": "url", "url": "https://h/a.pdf"}),
    ],
)
def test_documents_are_written_by_their_kind(document: Document, expected: Any) -> None:
    assert blocks(document) == [{"type": "document", "source": expected, "title": "a.pdf"}]


def test_an_image_may_be_a_url() -> None:
    found = blocks(Image("https://h/a.png"))

    assert found == [{"type": "image", "source": {"type": "url", "url": "https://h/a.png"}}]


@pytest.mark.parametrize(
    ("block", "place"),
    [
        (Image("data:image/png,AAAA"), "messages.0.image_url.url"),
        (Image("data:image/png;base64"), "messages.0.image_url.url"),
        (Document(url="data:text/plain;base64,/w=="), "messages.0.file.file_data"),
        (Document(url="data:text/plain;base64,é"), "messages.0.file.file_data"),
        (Opaque("input_audio", Extra("openai_chat", {"x": 1})), "messages.0"),
        (ToolCall("c", "f", "{oops"), "messages.0.tool_calls"),
        (ToolCall("c", "f", "[1]"), "messages.0.tool_calls"),
        (ToolCall("c", "f", "[" * 100_000), "messages.0.tool_calls"),
        (ToolCall("c", "f", "x", kind="custom"), "messages.0.tool_calls"),
    ],
)
def test_a_block_without_an_equal_is_refused_by_its_place(block: Block, place: str) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        blocks(block)

    assert refusal.value.param == place
    assert "oops" not in refusal.value.message


def test_other_roles_and_system_images_are_refused() -> None:
    with pytest.raises(InvalidRequestError) as role:
        messages(turn("function", "A"))
    assert role.value.param == "messages.0.role"
    with pytest.raises(InvalidRequestError) as image:
        messages(turn("system", Image(PNG)), HI)
    assert image.value.param == "messages.0"


def test_the_arguments_of_all_calls_are_bounded() -> None:
    call = ToolCall("c", "f", "[" + "[]," * 140_000 + "[]]")

    with pytest.raises(RequestTooLargeError):
        messages(turn("assistant", call, call))


def test_cache_marks_of_chats_are_carried_in_anthropics_form() -> None:
    mark = {"type": "ephemeral", "ttl": "1h"}
    bad = Extra("openai_chat", {"cache_control": {"type": "forever"}})
    found = written(
        turn("system", Text("A", CHAT)),
        turn("user", Text("B", bad), Image(PNG, CHAT)),
        turn("assistant", ToolCall("c", "f", "")),
        turn("tool", ToolResult("c", (Text("R"),)), extra=CHAT),
    )

    assert found["system"] == [{**text("A"), "cache_control": mark}]
    assert found["messages"][0]["content"][0] == text("B")
    assert found["messages"][0]["content"][1]["cache_control"] == mark
    assert found["messages"][2]["content"][0]["cache_control"] == mark


def test_fields_of_the_dialect_are_kept() -> None:
    found = messages(
        turn(
            "user", Text("A", OWN), Opaque("search_result", OWN), extra=Extra(OWN.dialect, {"x": 1})
        )
    )

    assert found == [
        {
            "x": 1,
            "role": "user",
            "content": [
                {"cache_control": MARK, **text("A")},
                {"type": "search_result", "cache_control": MARK},
            ],
        }
    ]
