"""A whole response is written as Anthropic's message."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Block, Image, Opaque, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra
from chatd.canonical.response import Choice, FailedOver, Response, UpstreamJson, Usage
from chatd.errors import AnswerTooLargeError
from chatd.surfaces import surface
from tests.chatd.surfaces.anthropic_messages.reading import NAME, body, read
from tests.chatd.surfaces.anthropic_messages.writing import SERVED


def written(response: Response) -> dict[str, Any]:
    return dict(surface(NAME).write(read(body("Hi")), response, SERVED))


def content(*blocks: Block) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = written(Response((Choice(blocks, "stop"),), Usage()))["content"]
    return given


def arguments(text: str, kind: str = "function") -> Any:
    return content(ToolCall("c", "f", text, kind))[0]["input"]


def test_blocks_keep_their_order_and_empty_ones_are_left_out() -> None:
    assert content(
        Thinking("Hm", "sig"),
        Thinking(),
        Thinking(redacted="xyz"),
        Text(""),
        Text("Hi"),
        ToolCall("c.1", "f", '{"a": 1}'),
        Refusal("No."),
        Opaque("mcp_tool_use", Extra(NAME, {"id": "m"})),
        Opaque("audio", Extra("openai_chat", {})),
        Image("https://e.x/a"),
    ) == [
        {"type": "thinking", "thinking": "Hm", "signature": "chatd1.YS91cA.sig"},
        {"type": "redacted_thinking", "data": "chatd1.YS91cA.xyz"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "c_1", "name": "f", "input": {"a": 1}},
        {"type": "text", "text": "No."},
        {"type": "mcp_tool_use", "id": "m"},
    ]


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("", {}),
        (" ", {}),
        (
            '{"a":[1.5,null],"n":12345678901234567890}',
            {"a": [1.5, None], "n": 12345678901234567890},
        ),
        ('{"a":', {"INVALID_JSON": '{"a":'}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ('{"a":NaN}', {"INVALID_JSON": '{"a":NaN}'}),
        ('{"a":' + "[" * 10_000, {"INVALID_JSON": '{"a":' + "[" * 10_000}),
    ],
    ids=["empty", "blank", "object", "cut", "list", "NaN", "deep"],
)
def test_arguments_that_are_no_json_object_are_wrapped(text: str, given: Any) -> None:
    assert arguments(text) == given


def test_a_custom_call_has_its_text_as_input() -> None:
    assert arguments("*** Begin", "custom") == {"input": "*** Begin"}


def test_a_call_of_another_kind_is_left_out() -> None:
    assert content(ToolCall("c", "", "", "shell")) == []


def test_arguments_with_too_many_values_are_an_error() -> None:
    calls = [ToolCall(f"c{n}", "f", '{"a":[' + "1," * 400_000 + "1]}") for n in range(2)]

    with pytest.raises(AnswerTooLargeError):
        content(*calls)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("tool_calls", "tool_use"),
        ("function_call", "tool_use"),
        ("content_filter", "refusal"),
        ("model_context_window_exceeded", "model_context_window_exceeded"),
        (None, "end_turn"),
    ],
)
def test_a_finish_reason_is_anthropic_s(reason: str | None, expected: str) -> None:
    response = Response((Choice((Text("a"),), reason),), Usage())

    assert written(response)["stop_reason"] == expected


def test_a_call_that_ends_with_stop_has_the_reason_tool_use() -> None:
    response = Response((Choice((ToolCall("c", "f", "{}"),), "stop"),), Usage())

    assert written(response)["stop_reason"] == "tool_use"


def test_a_stop_sequence_is_named() -> None:
    response = Response(
        (Choice((Text("a"),), "stop_sequence", stop_sequence="END"),), Usage(), id="chatcmpl-1"
    )

    found = written(response)

    assert (found["stop_reason"], found["stop_sequence"]) == ("stop_sequence", "END")
    assert found["id"] == "msg_11111111222233334444555555555555"


def test_cached_tokens_are_told_apart_from_fresh_ones() -> None:
    usage = Usage(100, 9, 60, reasoning_tokens=4, cache_write_tokens=30, cache_write_1h_tokens=10)

    assert written(Response((Choice((Text("a"),), "stop"),), usage))["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "output_tokens_details": {"thinking_tokens": 4},
    }


def test_a_message_of_the_same_dialect_is_written_as_it_is_but_for_tags() -> None:
    usage = {"input_tokens": 5, "output_tokens": 7, "server_tool_use": {"web_search_requests": 1}}
    source: dict[str, Any] = {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "sig", "x": 1},
            {"type": "text", "text": "", "citations": None},
            {"type": "tool_use", "id": "t:1", "name": "f", "input": {}, "caller": {"type": "x"}},
        ],
        "stop_reason": "pause_turn",
        "stop_sequence": None,
        "stop_details": {"category": "x"},
        "usage": usage,
    }
    response = Response(
        (Choice((Text("other"),), "stop"),),
        Usage(5, 7, source=UpstreamJson(NAME, dict(usage))),
        source=UpstreamJson(NAME, source),
    )
    tagged = {"type": "thinking", "thinking": "Hm", "signature": "chatd1.YS91cA.sig", "x": 1}

    assert written(response) == {
        **source,
        "content": [tagged, *source["content"][1:]],
        "usage": {**usage, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0},
    }


def test_a_failover_is_named() -> None:
    response = Response(
        (Choice((Thinking("", "sig"),), "stop"),), Usage(), failovers=(FailedOver("b", "n", "a/m"),)
    )

    found = written(response)

    assert (found["rescued"], found["model"]) == ({"from": ["a/m"], "by": "b/n"}, "m")
    assert found["content"][0]["signature"] == "chatd1.Yi9u.sig"
