"""The calls of adapted tools come back as calls of the caller's tools, whole and streamed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text, ToolCall
from chatd.canonical.events import (
    Counted,
    Delta,
    End,
    Event,
    Finish,
    Frame,
    ToolCallDelta,
    as_frames,
)
from chatd.canonical.request import ChatRequest, CustomTool, Message, Tool
from chatd.canonical.response import Choice, Response, UpstreamJson, Usage
from chatd.routing.tool_adaptation import adapted
from chatd.routing.tool_answers import ToolAnswers

NAMESPACE = "multi_agent_v1"
TOOLS = (
    Tool("read"),
    Tool("close", namespace=NAMESPACE),
    Tool("read", namespace="other"),
    CustomTool("patch"),
    CustomTool("edit", namespace="ns"),
)
PATCH = 'a "ö"\n😀'
CALLS = (
    ToolCall("1", f"{NAMESPACE}__close", '{"id": 7}'),
    ToolCall("2", "patch", json.dumps({"input": PATCH})),
    ToolCall("3", "read", '{"input": "x"}'),
    ToolCall("4", "ns__edit", '{"patch": "y"}'),
    ToolCall("5", "unknown", "{}"),
)
FOUND = [
    ("1", "close", NAMESPACE, "function", '{"id": 7}'),
    ("2", "patch", None, "custom", PATCH),
    ("3", "read", None, "function", '{"input": "x"}'),
    ("4", "edit", "ns", "custom", "y"),
    ("5", "unknown", None, "function", "{}"),
]
JSON = UpstreamJson("openai_chat", {})


def tool_answers(*tools: Tool | CustomTool) -> ToolAnswers:
    request = ChatRequest("m", (Message("user", (Text("Hi"),)),), tools=tools or TOOLS)
    _, answers, _ = adapted(request, frozenset())
    assert answers is not None
    return answers


def response(*calls: ToolCall) -> Response:
    return Response((Choice((Text("Hm."), *calls), "tool_calls"),), Usage(1, 2), source=JSON)


def calls_of(found: Response) -> list[tuple[str, str, str | None, str, str]]:
    return [(c.id, c.name, c.namespace, c.kind, c.arguments) for c in found.first.tool_calls]


def stream(*calls: ToolCall, cuts: Sequence[int] = ()) -> list[Frame]:
    """Write a stream with a frame for each piece of the calls' arguments."""
    frames = [Frame((Delta(content="Hm."),), source=JSON)]
    for number, call in enumerate(calls):
        first = ToolCallDelta(number, call.id, call.name)
        frames.append(Frame((Delta(tool_calls=(first,)),), source=JSON))
        places = [0, *sorted(min(cut, len(call.arguments)) for cut in cuts), len(call.arguments)]
        for a, b in pairwise(places):
            piece = ToolCallDelta(number, arguments=call.arguments[a:b])
            frames.append(Frame((Delta(tool_calls=(piece,)),), source=JSON))
    end: tuple[Event, ...] = (Finish(0, "tool_calls"), Counted(Usage(1, 2)), End())
    return [*frames, Frame(end, source=JSON)]


def test_a_whole_response_has_the_callers_names_namespaces_and_kinds() -> None:
    found = tool_answers().whole(response(*CALLS))

    assert calls_of(found) == FOUND
    assert found.source is None
    assert found.first.content == "Hm."


def test_a_whole_response_without_an_adapted_call_is_the_same_one() -> None:
    given_response = response(CALLS[2])

    assert tool_answers().whole(given_response) is given_response


@given(cuts=st.lists(st.integers(0, 50), max_size=6))
def test_a_stream_gives_the_same_calls_as_a_whole_response(cuts: list[int]) -> None:
    frames = tool_answers().frames(iter(stream(*CALLS, cuts=cuts)))

    assert calls_of(collected(frames)) == FOUND


def test_a_response_that_came_whole_is_turned_back_in_a_stream_too() -> None:
    frames = list(tool_answers().frames(as_frames(response(*CALLS))))

    assert calls_of(collected(iter(frames))) == FOUND
    without_whole = (Frame(frame.events) for frame in frames)
    assert calls_of(collected(without_whole)) == FOUND


def test_a_frame_keeps_its_source_unless_its_events_change() -> None:
    given_frames = stream(CALLS[2], CALLS[0])

    found = list(tool_answers().frames(iter(given_frames)))

    assert [new is old for new, old in zip(found, given_frames, strict=True)] == [
        *(True, True, True),
        *(False, True, True),
    ]
    assert found[3].source is None


def test_each_frame_gives_one_frame_at_once_with_the_text_that_is_known() -> None:
    frames = stream(ToolCall("1", "patch", '{"input": "ab"}'), cuts=(4, 11, 12))

    found = tool_answers().frames(iter(frames))

    pieces = [
        [
            piece.arguments
            for event in frame.events
            if isinstance(event, Delta)
            for piece in event.tool_calls
        ]
        for frame in found
    ]
    assert pieces == [[], [""], [], [], ["a"], ["b"], []]


def test_an_input_in_another_form_comes_before_the_finish() -> None:
    found = list(tool_answers().frames(iter(stream(ToolCall("1", "patch", '{"x": "y"}')))))

    last, finish = found[-1].events[:2]
    assert isinstance(last, Delta)
    assert [piece.arguments for piece in last.tool_calls] == ["y"]
    assert isinstance(finish, Finish)


def test_the_calls_of_two_choices_are_kept_apart() -> None:
    def piece(choice: int, text: str, *, first: bool = False) -> Frame:
        call = ToolCallDelta(0, "1", "patch") if first else ToolCallDelta(0)
        call.arguments = text
        return Frame((Delta(choice, tool_calls=(call,)),))

    frames = [
        piece(0, '{"input": "a', first=True),
        piece(1, '{"x": ', first=True),
        piece(0, 'b"}'),
        piece(1, '"c"}'),
        Frame((Finish(0, "tool_calls"), Finish(1, "tool_calls"), End())),
    ]

    found = collected(tool_answers().frames(iter(frames)))

    assert [choice.tool_calls[0].arguments for choice in found.choices] == ["ab", "c"]


@pytest.mark.parametrize(
    ("written", "name", "namespace"),
    [
        ("close", "close", NAMESPACE),
        (f"{NAMESPACE}.close", "close", NAMESPACE),
        ("read", "read", None),
        ("other__read", "read", "other"),
    ],
)
def test_a_name_without_its_namespace_is_understood_where_no_other_tool_has_it(
    written: str, name: str, namespace: str | None
) -> None:
    found = tool_answers().whole(response(ToolCall("1", written, "{}")))

    assert calls_of(found) == [("1", name, namespace, "function", "{}")]


def test_a_function_named_like_a_custom_tool_of_the_conversation_stays_a_function() -> None:
    call = ToolCall("1", "read", "x", "custom")
    turns = (Message("user", (Text("Hi"),)), Message("assistant", (call,)))
    _, answers, _ = adapted(ChatRequest("m", turns, tools=(Tool("read"),)), frozenset())

    assert answers is not None
    assert calls_of(answers.whole(response(CALLS[2]))) == [FOUND[2]]
