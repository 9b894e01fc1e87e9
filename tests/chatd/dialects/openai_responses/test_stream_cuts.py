"""A stream means the same wherever it is cut, and whichever of its events a server leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chatd.canonical.collecting import collected
from chatd.errors import ChatdError
from tests.chatd.dialects.openai_responses.wire import (
    DIALECT,
    OK,
    Json,
    added,
    blocks,
    call,
    completed,
    created,
    custom_call,
    delta,
    done,
    message,
    reasoning,
    sse,
    summary,
)

few = settings(max_examples=60, deadline=None)
PLACES = st.lists(st.integers(0, 4_000), max_size=12)
TEXTS = st.text(min_size=1, max_size=8)
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
# What a server may leave out of any event.
OPTIONAL = ("sequence_number", "output_index", "item_id", "content_index", "summary_index")


@st.composite
def responses(draw: st.DrawFn) -> list[tuple[Json, list[str]]]:
    """Draw the items of a response, each with the pieces of its text."""
    items: list[tuple[Json, list[str]]] = []
    for number in range(draw(st.integers(0, 4))):
        pieces = draw(st.lists(TEXTS, min_size=1, max_size=3))
        text = "".join(pieces)
        make: Any = draw(st.sampled_from([message, reasoning, call, custom_call]))
        if make in (message, reasoning):
            item = make(text, id_=f"id_{number}")
        else:
            item = make(text, id_=f"call_{number}", namespace="ns")
        items.append((item, pieces))
    return items


def stream(items: list[tuple[Json, list[str]]]) -> list[Json]:
    """Write all events of a response."""
    events = [created()]
    for index, (item, pieces) in enumerate(items):
        events += [added(index, item), *_deltas(index, item, pieces), done(index, item)]
    return [*events, completed(*(item for item, _ in items))]


def _deltas(index: int, item: Json, pieces: list[str]) -> Iterator[Json]:
    for piece in pieces:
        if item["type"] == "message":
            yield delta(index, piece, item["id"])
        elif item["type"] == "reasoning":
            yield summary(index, piece, id_=item["id"])
        else:
            custom = item["type"] == "custom_tool_call"
            kind = "custom_tool_call_input" if custom else "function_call_arguments"
            place = {"output_index": index, "item_id": item["id"], "delta": piece}
            yield {"type": f"response.{kind}.delta", **place}


def _sorted(found: list[tuple[str, ...]], *, signed: bool) -> list[tuple[str, ...]]:
    return sorted(block if signed or block[0] != "Thinking" else block[:2] for block in found)


def cut(body: bytes, places: Sequence[int]) -> Iterator[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return (body[start:end] for start, end in pairwise(edges))


def shown(events: list[Json], places: Sequence[int] = ()) -> Any:
    """Read a stream; return its blocks, finish reason, id and tokens."""
    response = collected(DIALECT.events(OK, cut(sse(events), places)))
    choice = response.first
    return blocks(choice), choice.finish_reason, response.id, response.usage.output_tokens


@few
@given(responses(), PLACES)
def test_a_stream_cut_anywhere_has_the_same_events(
    items: list[tuple[Json, list[str]]], places: list[int]
) -> None:
    body = sse(stream(items))

    def events(chunks: Iterator[bytes]) -> list[str]:
        return [repr(event) for frame in DIALECT.events(OK, chunks) for event in frame.events]

    def sources(chunks: Iterator[bytes]) -> list[Any]:
        return [frame.source and frame.source.body for frame in DIALECT.events(OK, chunks)]

    assert events(cut(body, places)) == events(iter([body]))
    assert sources(cut(body, places)) == sources(iter([body]))


@few
@given(responses())
def test_a_stream_is_the_whole_response(items: list[tuple[Json, list[str]]]) -> None:
    body = completed(*(item for item, _ in items))

    assert shown(stream(items)) == shown([body])


@few
@given(responses(), st.data())
def test_events_and_fields_that_a_server_leaves_out_are_not_needed(
    items: list[tuple[Json, list[str]]], data: st.DataObject
) -> None:
    events = stream(items)
    left_out = data.draw(st.sets(st.sampled_from(OPTIONAL)))
    kinds = sorted({event["type"] for event in events[:-1]})
    silent = data.draw(st.sets(st.sampled_from(kinds)))
    nameless = {"output_index", "item_id"} <= left_out
    # Nothing then tells where one item ends and the next one of its kind begins.
    assume(not (nameless and {_ADDED, _DONE} <= silent))
    sent = [
        {name: value for name, value in event.items() if name not in left_out}
        for event in events
        if event["type"] not in silent
    ]

    # Encrypted content that comes too late for its block is left.
    late = _DONE in silent

    found, reason, _, tokens = shown(sent)

    expected, expected_reason, _, expected_tokens = shown(events)
    assert (reason, tokens) == (expected_reason, expected_tokens)
    assert _sorted(found, signed=not late) == _sorted(expected, signed=not late)


@few
@given(responses(), st.integers(0, 10_000), st.binary(max_size=12))
def test_a_stream_that_breaks_off_is_a_failure_and_never_an_answer(
    items: list[tuple[Json, list[str]]], place: int, rest: bytes
) -> None:
    body = sse(stream(items))
    end = body.rindex(b"data: ")
    broken = body[: place % end] + rest

    try:
        for _ in DIALECT.events(OK, iter([broken])):
            pass
    except ChatdError:
        return
    raise AssertionError("a broken stream ended well")
