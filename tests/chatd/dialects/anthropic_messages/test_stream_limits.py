"""A hostile stream of Anthropic's Messages is refused in bounded memory, wherever it is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.canonical.collecting import collected
from chatd.canonical.response import Response
from chatd.dialects.anthropic_messages.dialect import AnthropicMessages
from chatd.errors import AnswerTooLargeError, ChatdError
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import wire
from tests.chatd.dialects.anthropic_messages.test_stream import (
    CALL,
    SEARCH,
    START,
    STOP,
    add,
    begin,
    body,
    close,
    end,
)

TEXTS = st.text(max_size=6)


def events(sent: bytes, places: Any = ()) -> Any:
    return AnthropicMessages().events(HttpResponse(200, {}, b""), wire.cut(sent, places))


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the events of a valid stream with blocks of every kind."""
    found = [START]
    for index in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["text", "thinking", "call", "search", "novel"]))
        pieces = draw(st.lists(TEXTS, max_size=3))
        starts: dict[str, Any] = {
            "text": None,
            "thinking": {"type": "thinking", "thinking": "", "signature": ""},
            "call": CALL,
            "search": SEARCH,
            "novel": {"type": "novel", "x": draw(TEXTS)},
        }
        deltas = {
            "text": ("text_delta", "text"),
            "thinking": ("thinking_delta", "thinking"),
            "call": ("input_json_delta", "partial_json"),
            "search": ("input_json_delta", "partial_json"),
            "novel": ("novel_delta", "x"),
        }
        name, field = deltas[kind]
        found += [
            begin(index, starts[kind]),
            *(add(index, name, **{field: piece}) for piece in pieces),
            close(index),
        ]
        if draw(st.booleans()):
            found.append({"type": draw(st.sampled_from(["ping", "novelty"]))})
    return [*found, end(draw(st.sampled_from(["end_turn", "tool_use", "refusal"]))), STOP]


def shown(response: Response) -> list[list[str]]:
    """Show all words of each block but an id that is generated."""
    return [sorted(block.words()) for block in response.first.blocks]


@settings(max_examples=50, deadline=None)
@given(streams(), st.lists(st.integers(0, 3_000), max_size=8))
def test_a_stream_has_the_same_events_wherever_it_is_cut(
    sent: list[dict[str, Any]], places: list[int]
) -> None:
    uncut, cut = list(events(body(*sent))), list(events(body(*sent), places))

    assert [frame.source.body for frame in cut] == sent
    assert len(cut) == len(uncut)
    for one, other in zip(cut, uncut, strict=True):
        assert [type(event) for event in one.events] == [type(event) for event in other.events]
    assert shown(collected(iter(cut))) == shown(collected(iter(uncut)))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | TEXTS,
            lambda values: (
                st.lists(values, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "type",
                            "index",
                            "delta",
                            "content_block",
                            "message",
                            "usage",
                            "text",
                            "error",
                        ]
                    ),
                    values,
                    max_size=4,
                )
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_any_json_is_read_or_refused_with_a_typed_error(sent: list[Any]) -> None:
    for given_events in (sent, [START, *sent], [START, begin(0), *sent]):
        try:
            list(events(body(*given_events)))
        except ChatdError:
            continue


@pytest.mark.parametrize(
    "sent",
    [
        [{"type": "novelty", "x": [0] * 50_000}] * 13,
        [START, *(begin(n) for n in range(10_001))],
        [START, *(begin(n, CALL) for n in range(1_025))],
        [START, *(begin(n, {"type": "novel", "x": [0] * 50_000}) for n in range(13))],
        [START, begin(0, SEARCH)] + [add(0, "input_json_delta", partial_json="x" * 1_000_000)] * 9,
        [START, begin(0, SEARCH), *[add(0, "novel_delta", x=[0] * 50_000)] * 13],
    ],
    ids=["held frames", "blocks", "calls", "opaque blocks", "opaque input", "opaque deltas"],
)
def test_a_stream_that_takes_too_much_memory_is_refused(sent: list[Any]) -> None:
    with pytest.raises(AnswerTooLargeError):
        for _frame in events(b"".join(body(event) for event in sent)):
            pass


def test_the_parsed_input_of_an_opaque_block_is_bounded() -> None:
    pieces = [add(0, "input_json_delta", partial_json="[" + "[]," * 700_000 + "[]]")]
    with pytest.raises(AnswerTooLargeError):
        list(events(body(START, begin(0, SEARCH), *pieces, close(0))))


def test_a_long_text_is_read_piece_by_piece() -> None:
    sent = body(START, begin(0), *[add(0, text="word ")] * 20_000, close(0), end(), STOP)

    assert len(collected(events(sent)).first.content or "") == 100_000
