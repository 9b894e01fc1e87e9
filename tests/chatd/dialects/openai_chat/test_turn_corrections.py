"""What a row's fields change in the turns of a request."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall, ToolResult
from chatd.canonical.request import ChatRequest, Message
from chatd.config.provider import Provider
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.surfaces.openai_chat.surface import OpenAI

PLAIN = Provider("mine", "openai_chat", "http://h/v1", known_to_think="thinker")
ASK = {"role": "user", "content": "Hi"}


def row(**fields: Any) -> Provider:
    return replace(PLAIN, **fields)


def own(*turns: dict[str, Any], model: str = "m", **fields: Any) -> ChatRequest:
    body = {"model": model, "messages": turns, **fields}
    return OpenAI().read({}, json.dumps(body).encode())


def sent(row: Provider, *turns: dict[str, Any], model: str = "m", **fields: Any) -> list[Any]:
    """Return the turns of a forwarded request."""
    return built(own(*turns, model=model, **fields), row)


def built(request: ChatRequest, row: Provider) -> list[Any]:
    body = json.loads(OpenAIChat().build(request, row, None).body or b"")
    found: list[Any] = body["messages"]
    return found


def call(id_: str) -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_null_fields_of_a_turn_are_left_out_where_they_are_refused() -> None:
    turn = {"role": "assistant", "content": "Yes.", "refusal": None, "function_call": None}

    assert sent(row(refuses=("nulls",)), turn) == [{"role": "assistant", "content": "Yes."}]
    assert sent(PLAIN, turn) == [turn]


def test_only_the_fields_of_a_role_that_the_row_takes_are_sent_and_others_are_named() -> None:
    strict = row(turn_fields={"user": ("role", "content"), "tool": ("role", "content", "name")})
    user = {**ASK, "name": "Ann"}
    result = {"role": "tool", "content": "1", "name": "f", "tool_call_id": "c"}
    assistant = {"role": "assistant", "content": "Yes.", "name": "Bot"}

    assert sent(strict, user, assistant, result) == [
        ASK,
        assistant,
        {"role": "tool", "content": "1", "name": "f"},
    ]
    names = OpenAIChat().omitted(own(user, assistant, result, {**user, "name": None}), strict)
    assert names == ("messages.name", "messages.tool_call_id")


def test_refused_fields_of_another_surface_s_turns_are_named() -> None:
    strict = row(turn_fields={"user": ("role", "content"), "assistant": ("role", "content")})
    request = ChatRequest(
        "m",
        (
            Message("user", (Text("Hi"),), name="Ann"),
            Message("assistant", (Thinking("Hm."), Text("Yes."))),
        ),
    )

    assert built(request, strict) == [ASK, {"role": "assistant", "content": "Yes."}]
    assert OpenAIChat().omitted(request, strict) == (
        "messages.name",
        "messages.reasoning_content",
    )


def test_a_developer_turn_has_the_fields_of_the_system_turn_that_it_becomes() -> None:
    strict = row(turn_fields={"system": ("role", "content")}, developer_as_system=True)
    turn = {"role": "developer", "content": "Be brief.", "name": "x"}

    assert sent(strict, turn, ASK) == [{"role": "system", "content": "Be brief."}, ASK]
    assert OpenAIChat().omitted(own(turn), strict) == ("messages.name",)


def test_ids_of_calls_get_the_row_s_length_alike_in_call_and_result() -> None:
    nine = row(call_id_length=9)
    calls = [call("call_0fypS1hVX"), call("abcDEF123"), call("é" * 9)]
    turns = [
        {"role": "assistant", "content": None, "tool_calls": calls},
        *({"role": "tool", "content": "1", "tool_call_id": one["id"]} for one in calls),
    ]

    assistant, *results = sent(nine, *turns)

    ids = [one["id"] for one in assistant["tool_calls"]]
    assert ids == [result["tool_call_id"] for result in results]
    assert ids[1] == "abcDEF123"
    assert all(len(id_) == 9 and id_.isascii() and id_.isalnum() for id_ in ids)
    assert len(set(ids)) == 3


def test_ids_of_another_surface_s_calls_get_the_row_s_length() -> None:
    turns = (
        Message("assistant", (ToolCall("toolu_01ABC", "f", "{}"),)),
        Message("user", (ToolResult("toolu_01ABC", (Text("1"),)),)),
    )

    assistant, result = built(ChatRequest("m", turns), row(call_id_length=9))

    assert assistant["tool_calls"][0]["id"] == result["tool_call_id"]
    assert len(result["tool_call_id"]) == 9


@pytest.mark.parametrize(
    ("model", "fields", "fills"),
    [
        ("thinker", {}, True),
        ("other", {}, False),
        ("thinker", {"thinking": {"type": "disabled"}}, False),
        ("thinker", {"thinking": {"type": "enabled"}}, True),
        ("thinker", {"enable_thinking": False}, False),
        ("thinker", {"reasoning_effort": "none"}, False),
    ],
)
def test_an_assistant_s_turn_without_reasoning_gets_a_space_from_a_model_that_thinks(
    model: str, fields: dict[str, Any], fills: bool
) -> None:
    needing = row(refuses=("missing_reasoning",), returns_reasoning="reasoning_content")
    without = {"role": "assistant", "content": "Yes."}
    given = {"role": "assistant", "content": "No.", "reasoning_content": "Hm."}

    turns = sent(needing, ASK, without, given, model=model, **fields)

    assert turns == [ASK, {**without, "reasoning_content": " "} if fills else without, given]


def test_an_assistant_s_empty_content_is_left_out_beside_calls() -> None:
    full = row(refuses=("empty_content",))
    calls = [call("c")]

    assert sent(full, {"role": "assistant", "content": "", "tool_calls": calls}) == [
        {"role": "assistant", "tool_calls": calls}
    ]
    assert sent(full, {"role": "assistant", "content": []}, ASK) == [ASK]
    assert sent(full, {"role": "user", "content": ""}) == [{"role": "user", "content": ""}]


def test_successive_turns_of_a_role_are_merged_where_they_are_refused() -> None:
    alternating = row(refuses=("consecutive_turns",))
    picture = {"type": "image_url", "image_url": {"url": "https://h/a.png"}}

    turns = sent(
        alternating,
        {"role": "system", "content": "One."},
        {"role": "system", "content": "Two."},
        ASK,
        {"role": "user", "content": "Again"},
        {"role": "user", "content": [picture]},
        {"role": "assistant", "content": "Yes.", "tool_calls": [call("a")]},
        {"role": "assistant", "content": None, "tool_calls": [call("b")]},
        {"role": "tool", "content": "1", "tool_call_id": "a"},
        {"role": "tool", "content": "2", "tool_call_id": "b"},
        {"role": "system", "content": "Now in French."},
        ASK,
    )

    assert [turn["role"] for turn in turns] == [
        *("system", "system", "user", "assistant", "tool", "tool", "user")
    ]
    assert turns[2]["content"] == [{"type": "text", "text": "Hi\n\nAgain"}, picture]
    assert [one["id"] for one in turns[3]["tool_calls"]] == ["a", "b"]
    assert turns[-1]["content"] == "Now in French.\n\nHi"


def test_a_correction_leaves_the_caller_s_turns_as_they_are() -> None:
    changing = row(
        refuses=("nulls", "empty_content", "missing_reasoning", "consecutive_turns"),
        call_id_length=9,
        turn_fields={"user": ("role", "content")},
        content_as_text=True,
        developer_as_system=True,
        returns_reasoning="reasoning",
    )
    turns: list[dict[str, Any]] = [
        {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
        {**ASK, "name": "Ann"},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Hm.",
            "tool_calls": [call("a")],
        },
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ]
    request = own(*turns, model="thinker")

    built(request, changing)

    assert request.source is not None
    assert request.source.body["messages"] == turns
