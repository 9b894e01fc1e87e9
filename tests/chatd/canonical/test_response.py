"""An answer is the same whole, as events, and collected from events again."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import ToolCall
from chatd.canonical.response import (
    Answer,
    Choice,
    Counted,
    Delta,
    End,
    FailedOver,
    Finish,
    ToolCallDelta,
    Usage,
    as_events,
    collected,
)
from chatd.errors import AnswerTooLargeError

LONG = 64 * 1024


def texts(answer: Answer) -> list[Any]:
    """The deltas' texts of an answer as events."""
    return [event.content for event in as_events(answer) if isinstance(event, Delta)]


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        (Usage(1, 2), Usage(3, 4), Usage(4, 6)),
        (Usage(1, 2, 3, 4, 0.5), Usage(), Usage(1, 2, 3, 4, 0.5)),
        (Usage(), Usage(1, 2, 0, 0, 0.0), Usage(1, 2, 0, 0, 0.0)),
        (Usage(0, 0, 3, 4, 0.5), Usage(0, 0, 1, 2, 0.25), Usage(0, 0, 4, 6, 0.75)),
        (Usage(estimated=True), Usage(), Usage(estimated=True)),
        (Usage(), Usage(estimated=True), Usage(estimated=True)),
    ],
)
def test_usages_add_up_and_what_is_unknown_stays_so(one: Usage, other: Usage, total: Usage) -> None:
    assert one + other == total


def test_an_answer_as_events_and_collected_is_the_same() -> None:
    answer = Answer(
        (
            Choice("a", "b", (), "stop", {"content": [1]}, {"further": "x"}),
            Choice(None, None, (ToolCall("i", "f", '{"a":1}'), ToolCall("j", "g", "{}")), "length"),
            Choice("", None, (), None),
        ),
        Usage(3, 4, cost_usd=0.5),
        "model",
    )
    again = collected(as_events(answer))

    assert (again.usage, again.model, again.rescues) == (answer.usage, "model", ())
    first, second, third = again.choices
    assert (first.content, first.thinking, first.finish_reason) == ("a", "b", "stop")
    assert (first.logprobs, first.extra) == ({"content": [1]}, {"further": "x"})
    calls = [(call.id, call.name, call.arguments) for call in second.tool_calls]
    assert calls == [("i", "f", '{"a":1}'), ("j", "g", "{}")]
    assert (second.content, second.finish_reason, second.logprobs) == (None, "length", None)
    assert (third.content, third.thinking, third.tool_calls) == ("", None, ())
    assert (third.finish_reason, third.extra) == ("stop", {})


def test_events_end_each_choice_and_then_count() -> None:
    answer = Answer((Choice("a", finish_reason="length"), Choice("b")), Usage(1, 2), "m")
    kinds = [type(event) for event in as_events(answer)]

    assert kinds == [Delta, Finish, Delta, Finish, Counted, End]
    ends = [event for event in as_events(answer) if isinstance(event, Finish)]
    assert [(end.index, end.reason) for end in ends] == [(0, "length"), (1, "stop")]


@pytest.mark.parametrize("length", [0, 1, LONG - 1, LONG, LONG + 1, 2 * LONG, 2 * LONG + 1])
def test_a_text_is_cut_into_pieces_of_64_k_characters(length: int) -> None:
    pieces = texts(Answer((Choice("x" * length),), Usage()))

    assert "".join(pieces) == "x" * length
    assert len(pieces) == max(1, -(-length // LONG))
    assert max(map(len, pieces)) <= LONG


def test_choices_are_put_in_order_and_grow_by_piece() -> None:
    answer = collected(
        iter(
            [
                Delta(1, content="b"),
                Delta(0, thinking="t"),
                Delta(0, content="a", tool_calls=(ToolCallDelta(1, "j", "g", "{"),)),
                Delta(0, tool_calls=(ToolCallDelta(0, "i", "f"), ToolCallDelta(1, "k", "h", "}"))),
                Delta(1, content="c", extra={"x": "y"}),
                Finish(1, "stop"),
                Finish(0, "tool_calls"),
                Counted(Usage(1, 1), "m"),
                Counted(Usage(2, 2), None),
                End(),
            ]
        )
    )

    first, second = answer.choices
    calls = [(call.id, call.name, call.arguments) for call in first.tool_calls]
    assert calls == [("i", "f", "{}"), ("j", "g", "{}")]
    assert (first.content, first.thinking, first.finish_reason) == ("a", "t", "tool_calls")
    assert (second.content, second.extra, second.thinking) == ("bc", {"x": "y"}, None)
    assert (answer.usage, answer.model) == (Usage(2, 2), None)


def test_an_answer_that_was_begun_anew_has_nothing_of_what_came_before() -> None:
    for anew, content in ((True, "b"), (False, "ab")):
        failover = FailedOver("p", "m", "q/n", anew=anew)
        answer = collected(iter([Delta(content="a"), failover, Delta(content="b"), End()]))
        assert (answer.first.content, answer.rescues) == (content, (failover,))


def test_a_call_without_an_id_gets_one_of_its_own() -> None:
    pieces = [Delta(tool_calls=(ToolCallDelta(n),)) for n in range(2)]
    (choice,) = collected(iter([*pieces, End()])).choices
    ids = {call.id for call in choice.tool_calls}

    assert len(ids) == 2
    assert all(one.startswith("call_") and len(one) == len("call_") + 24 for one in ids)
    assert [(call.name, call.arguments) for call in choice.tool_calls] == [("", "{}")] * 2


def test_a_choice_may_have_1024_calls() -> None:
    calls = tuple(ToolCallDelta(n, "i", "f") for n in range(1_025))

    (choice,) = collected(iter([Delta(tool_calls=calls[:-1])])).choices
    assert len(choice.tool_calls) == 1_024
    with pytest.raises(AnswerTooLargeError, match=r"1,024 tool calls"):
        collected(iter([Delta(tool_calls=calls)]))


def test_log_probabilities_and_further_fields_may_hold_600000_values() -> None:
    # An object, its list and 299,997 numbers are 299,999 values, and the field beside it is one.
    half: Any = {"content": [0] * 299_997}

    collected(iter([Delta(logprobs=half), Delta(extra=half)]))
    with pytest.raises(AnswerTooLargeError, match=r"600,000 JSON values"):
        collected(iter([Delta(logprobs=half), Delta(extra=half), Delta(logprobs=0)]))


def test_an_answers_size_counts_texts_thinking_arguments_and_log_probabilities() -> None:
    call = ToolCall("i", "f", "1234")
    choices = (Choice("abc", "de", (call,)), Choice(None, logprobs=[1]), Choice("x", logprobs={}))

    assert Answer(choices, Usage()).size == 3 + 2 + 4 + len("[1]") + 1
    assert Answer((Choice(None),), Usage()).size == 0
