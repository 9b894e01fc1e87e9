"""A second answer is joined to a partial answer if the second repeats the first."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, ToolCallDelta
from chatd.canonical.extra import Extra
from chatd.canonical.response import FailedOver, Usage
from chatd.errors import DivergedError
from chatd.resilience.stream_failover import PartialAnswer, Repetition, continued


@given(
    st.text(min_size=1, max_size=30),
    st.integers(0, 30),
    st.lists(st.integers(0, 30), max_size=5),
)
def test_any_text_cut_anywhere_is_joined_to_the_same_text(
    whole: str, cut: int, joints: list[int]
) -> None:
    partial = PartialAnswer()
    partial.note(Delta(content=whole[:cut]))
    places = sorted({0, *joints, len(whole)})
    pieces = [whole[a:b] for a, b in pairwise(places)]
    events: list[Event] = [Delta(content=piece) for piece in pieces]
    tail: list[Event] = [Finish(0, "stop"), Counted(Usage()), End()]

    received_events = joined([*events, *tail], partial.text)

    text = partial.text + "".join(e.content or "" for e in received_events if isinstance(e, Delta))
    assert text == whole
    assert [type(event) for event in received_events].count(FailedOver) == 1


def joined(events: list[Event], partial: str) -> list[Event]:
    """Return the events that follow a partial answer; each event has a frame of its own."""
    frames = (Frame((event,)) for event in events)
    failed_over = FailedOver("p", "m", "q/n")
    return [
        event
        for frame in continued(frames, Repetition(partial), failed_over)
        for event in frame.events
    ]


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_a_text_that_does_not_repeat_the_first_is_never_joined(partial: str, other: str) -> None:
    events: list[Event] = [Delta(content=other), Finish(0, "stop"), End()]

    assume(not other.startswith(partial))
    with pytest.raises(DivergedError):
        joined(events, partial)


@pytest.mark.parametrize(
    "event",
    [
        Delta(index=1, content="x"),
        Delta(tool_calls=(ToolCallDelta(0),)),
        Delta(content="x", logprobs={"content": []}),
        Delta(extra=Extra("openai_chat", {}, {"message": {"audio": {"data": "…"}}})),
        Finish(0, "stop"),
    ],
)
def test_only_plain_unfinished_text_can_be_joined(event: Event) -> None:
    partial = PartialAnswer()
    partial.note(event)

    assert not partial.joinable


def test_details_of_thinking_do_not_prevent_a_failover() -> None:
    partial = PartialAnswer()
    fields = {"reasoning_details": [{"text": "Hm"}], "reasoning": "Hm", "audio": None}
    partial.note(Delta(thinking="Hm", extra=Extra("openai_chat", {}, {"message": fields})))

    assert partial.joinable


def test_an_answer_that_restarts_replaces_the_partial_answer() -> None:
    partial = PartialAnswer()
    partial.note(Delta(content="The sky ", logprobs={"content": []}))
    partial.note(FailedOver("b", "m", "a/m", anew=True))

    assert (partial.text, partial.joinable) == ("", True)
