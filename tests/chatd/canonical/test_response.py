"""A response stays equal when converted to frames and collected again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pytest

from chatd.canonical.collecting import collected
from chatd.canonical.content import Block, Opaque, Text, Thinking, ToolCall
from chatd.canonical.events import (
    Counted,
    Delta,
    End,
    Event,
    Finish,
    Frame,
    Head,
    ToolCallDelta,
    as_frames,
    recounted,
)
from chatd.canonical.extra import Extra
from chatd.canonical.response import Choice, FailedOver, Response, UpstreamJson, Usage
from chatd.errors import AnswerTooLargeError

LONG = 64 * 1024


def events(response: Response) -> list[Event]:
    """Return the events of a response's frames."""
    return [event for frame in as_frames(response) for event in frame.events]


def texts(response: Response) -> list[Any]:
    """Return the texts of the deltas in a response's frames."""
    return [event.content for event in events(response) if isinstance(event, Delta)]


def collect(*given: Event) -> Response:
    """Collect the response of a stream with one event in each frame."""
    return collected(Frame((event,)) for event in given)


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        (Usage(1, 2), Usage(3, 4), Usage(4, 6)),
        (Usage(1, 2, 3, 4, 0.5), Usage(), Usage(1, 2, 3, 4, 0.5)),
        (Usage(), Usage(1, 2, 0, 0, 0.0), Usage(1, 2, 0, 0, 0.0)),
        (Usage(0, 0, 3, 4, 0.5), Usage(0, 0, 1, 2, 0.25), Usage(0, 0, 4, 6, 0.75)),
        (Usage(0, 0, cache_write_tokens=3), Usage(), Usage(0, 0, cache_write_tokens=3)),
        (Usage(estimated=True), Usage(), Usage(estimated=True)),
        (Usage(), Usage(estimated=True), Usage(estimated=True)),
    ],
)
def test_usages_add_up_and_unknown_counts_stay_unknown(
    one: Usage, other: Usage, total: Usage
) -> None:
    assert one + other == total


def test_the_sum_of_two_usages_has_no_upstream_json() -> None:
    counted = Usage(1, 2, source=UpstreamJson("openai_chat", {"prompt_tokens": 1}))

    assert (counted + Usage()).source is None


@pytest.mark.parametrize(
    ("usage", "fresh"),
    [
        (Usage(10), 10),
        (Usage(10, 5, 4), 6),
        (Usage(10, 5, 4, cache_write_tokens=3), 3),
        (Usage(10, 5, 8, cache_write_tokens=8), 0),
    ],
)
def test_fresh_tokens_are_neither_read_from_a_cache_nor_written_to_it(
    usage: Usage, fresh: int
) -> None:
    assert usage.fresh_tokens == fresh


def test_a_response_collected_from_its_frames_is_equal() -> None:
    extra = Extra("openai_chat", {"further": "x"}, {"message": {"more": "y"}})
    response = Response(
        (
            Choice((Thinking("b", "sig"), Text("a")), "stop", {"content": [1]}, extra),
            Choice((ToolCall("i", "f", '{"a":1}'), ToolCall("j", "g", "{}")), "length"),
            Choice(),
        ),
        Usage(3, 4, cost_usd=0.5),
        "model",
        id="r-1",
        extra=Extra("openai_chat", {"tier": "z"}),
    )
    again = collected(Frame(frame.events) for frame in as_frames(response))

    assert (again.usage, again.model, again.failovers) == (response.usage, "model", ())
    assert (again.id, again.source) == ("r-1", None)
    assert again.extra is not None
    assert again.extra.fields == {"tier": "z"}
    first, second, third = again.choices
    assert first.finish_reason == "stop"
    assert plain(first.blocks) == plain(response.first.blocks)
    assert first.extra is not None
    assert (first.logprobs, first.extra.fields) == ({"content": [1]}, {"further": "x"})
    assert first.extra.nested == {"message": {"more": "y"}}
    calls = [(call.id, call.name, call.arguments) for call in second.tool_calls]
    assert calls == [("i", "f", '{"a":1}'), ("j", "g", "{}")]
    assert (second.content, second.finish_reason, second.logprobs) == (None, "length", None)
    assert (third.content, third.thinking, third.tool_calls) == ("", None, ())
    assert (third.finish_reason, third.extra) == ("stop", None)


def plain(blocks: Iterable[Block]) -> list[Any]:
    """Return the fields of blocks: blocks are compared by identity."""
    return [(type(block), asdict(block)) for block in blocks]


def test_a_whole_response_is_collected_as_it_was_and_with_its_failovers() -> None:
    source = UpstreamJson("openai_chat", {})
    response = Response((Choice((Text("a" * (LONG + 1)),), "stop"),), Usage(1, 2), source=source)
    failover = FailedOver("p", "m", "q/n", anew=True)

    again = collected(iter([Frame((failover,)), *as_frames(response)]))

    assert (again.first.content, again.failovers) == ("a" * (LONG + 1), (failover,))
    assert again.source is source


def test_a_frame_is_counted_anew_before_its_end() -> None:
    *_, last = as_frames(Response((Choice((Text("a"),), "stop"),), Usage()))
    counted = Counted(Usage(5, 6), "m")

    frame = recounted(last, counted)

    assert frame.events[-2] is counted
    assert isinstance(frame.events[-1], End)
    assert frame.whole is not None
    assert frame.whole.usage == Usage(5, 6)
    assert recounted(Frame(()), counted).events == (counted,)


BLOCKS: list[Block] = [
    Text("a"),
    Text("b"),
    Thinking("c"),
    Thinking("d", "sig"),
    Thinking(redacted="e"),
    ToolCall("i", "f", "{}"),
    Text("g"),
    ToolCall("j", "h", "input", "custom"),
    Opaque("audio", Extra("openai_chat", {"data": "k"})),
]


def test_blocks_keep_their_order_and_boundaries() -> None:
    response = Response((Choice(tuple(BLOCKS)),), Usage())
    frames = (Frame(frame.events) for frame in as_frames(response))

    assert plain(collected(frames).first.blocks) == plain(BLOCKS)


def test_frames_finish_each_choice_before_the_usage() -> None:
    response = Response((Choice((Text("a"),), "length"), Choice((Text("b"),))), Usage(1, 2), "m")
    found = events(response)

    kinds = [type(event) for event in found]
    assert kinds == [Head, Delta, Finish, Delta, Finish, Counted, End]
    ends = [(event.index, event.reason) for event in found if isinstance(event, Finish)]
    assert ends == [(0, "length"), (1, "stop")]


@pytest.mark.parametrize("length", [1, LONG - 1, LONG, LONG + 1, 2 * LONG, 2 * LONG + 1])
def test_a_text_is_cut_into_pieces_of_64_k_characters(length: int) -> None:
    pieces = texts(Response((Choice((Text("x" * length),)),), Usage()))

    assert "".join(pieces) == "x" * length
    assert len(pieces) == -(-length // LONG)
    assert max(map(len, pieces)) <= LONG


def test_choices_are_sorted_by_index_and_joined_from_pieces() -> None:
    answer = collect(
        Delta(1, content="b"),
        Delta(0, thinking="t"),
        Delta(0, content="a", tool_calls=(ToolCallDelta(1, "j", "g", "{"),)),
        Delta(0, tool_calls=(ToolCallDelta(0, "i", "f"), ToolCallDelta(1, "k", "h", "}"))),
        Delta(1, content="c", extra=Extra("openai_chat", {"x": "y"})),
        Finish(1, "stop"),
        Finish(0, "tool_calls"),
        Counted(Usage(1, 1), "m"),
        Counted(Usage(2, 2), None),
        End(),
    )

    first, second = answer.choices
    calls = [(call.id, call.name, call.arguments) for call in first.tool_calls]
    assert calls == [("i", "f", "{}"), ("j", "g", "{}")]
    assert (first.content, first.thinking, first.finish_reason) == ("a", "t", "tool_calls")
    assert (second.content, second.thinking) == ("bc", None)
    assert second.extra is not None
    assert second.extra.fields == {"x": "y"}
    assert (answer.usage, answer.model) == (Usage(2, 2), None)


def test_a_restarted_response_drops_the_earlier_events() -> None:
    for anew, content in ((True, "b"), (False, "ab")):
        failover = FailedOver("p", "m", "q/n", anew=anew)
        answer = collect(Head("r-1"), Delta(content="a"), failover, Delta(content="b"), End())
        assert (answer.first.content, answer.failovers) == (content, (failover,))
        assert answer.id == (None if anew else "r-1")


def test_a_call_without_an_id_gets_a_unique_id() -> None:
    pieces = [Delta(tool_calls=(ToolCallDelta(n),)) for n in range(2)]
    (choice,) = collect(*pieces, End()).choices
    ids = {call.id for call in choice.tool_calls}

    assert len(ids) == 2
    assert all(one.startswith("call_") and len(one) == len("call_") + 24 for one in ids)
    assert [(call.name, call.arguments) for call in choice.tool_calls] == [("", "{}")] * 2


def test_a_choice_may_have_1024_calls() -> None:
    calls = tuple(ToolCallDelta(n, "i", "f") for n in range(1_025))

    (choice,) = collect(Delta(tool_calls=calls[:-1])).choices
    assert len(choice.tool_calls) == 1_024
    with pytest.raises(AnswerTooLargeError, match=r"1,024 tool calls"):
        collect(Delta(tool_calls=calls))


def test_a_choice_may_have_10000_blocks() -> None:
    deltas = [Delta(content="x", begins=True)] * 10_000

    (choice,) = collect(*deltas).choices
    assert len(choice.blocks) == 10_000
    with pytest.raises(AnswerTooLargeError, match=r"10,000 content blocks"):
        collect(*deltas, Delta(thinking="y"))


def test_log_probabilities_and_further_fields_may_have_600000_values() -> None:
    # An object, its list and 299,996 numbers are 299,998 values; a list of 299,998 numbers in the
    # fields of an extra, and its empty nested fields, are 300,001.
    half: Any = {"content": [0] * 299_996}
    extra = Extra("openai_chat", {"x": [0] * 299_998})

    collect(Delta(logprobs=half), Delta(extra=extra))
    with pytest.raises(AnswerTooLargeError, match=r"600,000 JSON values"):
        collect(Delta(logprobs=half), Delta(extra=extra), Delta(logprobs=[0]))


def test_a_responses_size_counts_texts_thinking_and_calls() -> None:
    call = ToolCall("i", "f", "1234")
    choices = (Choice((Text("abc"), Thinking("de"), call)), Choice(logprobs=[1]))

    response = Response(choices, Usage())

    assert response.size == 3 + 2 + len("f") + 4
    assert response.written_size == response.size + len("[1]")
    assert Response((Choice(),), Usage()).written_size == 0


def test_the_written_size_is_at_least_that_of_the_upstreams_json() -> None:
    source = UpstreamJson("openai_chat", {}, size=500)

    assert Response((Choice((Text("abc"),)),), Usage(), source=source).written_size == 500
