"""Collect the deltas of a stream into choices."""

from __future__ import annotations

from typing import Any

from chatd.canonical.collecting import collected
from chatd.canonical.content import Refusal, Text, Thinking
from chatd.canonical.events import Delta, Event, Finish, Frame, ToolCallDelta, as_frames
from chatd.canonical.extra import Extra
from chatd.canonical.response import Choice, Response, Usage

SIGNED = Extra("openai_chat", {"signature": "s"})


def extra(message: dict[str, Any], **fields: Any) -> Extra:
    return Extra("openai_chat", fields, {"message": message})


def test_deltas_of_every_kind_are_collected_into_choices() -> None:
    events: list[Event] = [
        Delta(thinking="H", extra=extra({"reasoning_details": [{"text": "H"}]}, score=1)),
        Delta(thinking="m", extra=extra({"reasoning_details": [{"text": "m"}], "refusal": None})),
        Delta(content="a", logprobs={"content": [1], "refusal": None}),
        Delta(content="b", logprobs={"content": [2]}, extra=extra({}, score=2, other=None)),
        Delta(tool_calls=(ToolCallDelta(0, "c0", "f", "{"), ToolCallDelta(1, "c1", "g", ""))),
        Delta(tool_calls=(ToolCallDelta(0, None, None, "}", extra=SIGNED),)),
        Delta(index=1, content="other", extra=extra({"refusal": "no"})),
        Delta(index=1, extra=extra({"refusal": " way", "score": 1})),
        Finish(1, "length"),
        Finish(0, "tool_calls", extra({}, native="end")),
    ]

    first, second = collected(Frame((event,)) for event in events).choices

    assert (first.content, first.thinking, first.finish_reason) == ("ab", "Hm", "tool_calls")
    assert [(c.id, c.name, c.arguments) for c in first.tool_calls] == [
        ("c0", "f", "{}"),
        ("c1", "g", "{}"),
    ]
    assert fields_of(first.tool_calls[0].extra) == ({"signature": "s"}, {})
    assert first.logprobs == {"content": [1, 2], "refusal": None}
    assert fields_of(first.extra) == (
        {"score": 2, "other": None, "native": "end"},
        {"message": {"reasoning_details": [{"text": "H"}, {"text": "m"}], "refusal": None}},
    )
    assert second.content == "other"
    assert fields_of(second.extra) == ({}, {"message": {"refusal": "no way", "score": 1}})


def test_a_call_keeps_the_namespace_of_its_first_piece() -> None:
    pieces = (ToolCallDelta(0, "c0", "f", "{", namespace="crm"), ToolCallDelta(0, None, None, "}"))
    frames = [Frame((Delta(tool_calls=(piece,)),)) for piece in pieces]

    (choice,) = collected(iter([*frames, Frame((Finish(0, "tool_calls"),))])).choices

    assert [(call.namespace, call.name) for call in choice.tool_calls] == [("crm", "f")]


def fields_of(extra: Extra | None) -> tuple[Any, Any]:
    assert extra is not None
    return extra.fields, extra.nested


def of_block(**fields: Any) -> Extra:
    return Extra("anthropic_messages", {}, {"block": fields})


def test_fields_of_a_block_belong_to_the_current_text_or_thinking() -> None:
    events: list[Event] = [
        Delta(content="a", begins=True, extra=of_block(citations=[1], shade="li")),
        Delta(extra=of_block(citations=[2], shade="ght")),
        Delta(thinking="H", begins=True),
        Delta(extra=of_block(x=1)),
        Delta(begins=True, extra=of_block(y=2)),
        Delta(tool_calls=(ToolCallDelta(0, "c", "f"),)),
        Delta(extra=of_block(lost=1)),
    ]

    (choice,) = collected(Frame((event,)) for event in events).choices

    fields = [block.extra and block.extra.fields for block in choice.blocks]
    assert fields == [{"citations": [1, 2], "shade": "light"}, {"x": 1}, {"y": 2}, None]
    assert choice.extra is None


def test_fields_of_a_block_survive_a_stream_of_a_whole_response() -> None:
    own = Extra("anthropic_messages", {"citations": [{"url": "u"}]})
    blocks = (Text("a" * 70_000, own), Text("b"), Thinking("H", "s", extra=own), Refusal("no"))
    response = Response((Choice(blocks, "stop"),), Usage())

    frames = [Frame(frame.events) for frame in as_frames(response)]

    found = collected(iter(frames)).first.blocks
    assert [list(block.words()) for block in found] == [list(block.words()) for block in blocks]
    assert [block.extra and block.extra.fields for block in found] == [
        *(own.fields, None),
        *(own.fields, None),
    ]
    assert not any(
        event.blocks for frame in frames for event in frame.events if type(event) is Delta
    )
