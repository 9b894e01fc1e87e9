"""An accumulator joins the pieces of a streamed value in one pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.canonical.collecting import collected
from chatd.canonical.events import Delta, Event, Finish, Frame
from chatd.canonical.extra import Extra
from chatd.canonical.json_accumulator import Accumulator
from chatd.dialects.openai_chat.tool_calls import Calls

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)


def merged(before: Any, piece: Any) -> Any:
    """Return the expected value after one more piece."""
    if isinstance(before, str) and isinstance(piece, str):
        return before + piece
    if isinstance(before, list) and isinstance(piece, list):
        return [*before, *piece]
    if isinstance(before, Mapping) and isinstance(piece, Mapping):
        members = {name: merged(before.get(name), value) for name, value in piece.items()}
        return {**before, **members}
    return before if piece is None else piece


@given(st.lists(VALUES, max_size=6))
def test_texts_and_lists_grow_objects_merge_by_member_and_other_values_are_replaced(
    pieces: list[Any],
) -> None:
    growing, expected = Accumulator(), None
    for piece in pieces:
        growing.add(piece)
        expected = merged(expected, piece)

    assert growing.value() == expected


def processor_seconds(work: Callable[[], object]) -> float:
    """Return the least processor time of three runs, in s: the machine's load only adds."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def logprobs(count: int) -> None:
    token = {"token": "a", "logprob": -0.1}
    deltas = [Delta(content="a", logprobs={"content": [token]}) for _ in range(count)]
    collect(*deltas, Finish(0, "stop"))


def collect(*events: Event) -> None:
    collected(Frame((event,)) for event in events)


def further_fields(count: int) -> None:
    extra = Extra("openai_chat", {}, {"message": {"a": "x" * 100, "b": [{"text": "y"}]}})
    collect(*(Delta(extra=extra) for _ in range(count)), Finish(0, "stop"))


def unnumbered_calls(count: int) -> None:
    calls = Calls()
    for _ in range(count):
        calls.read({"function": {"name": "f", "arguments": '{"a": "' + "x" * 50}})


def calls_with_ids(count: int) -> None:
    calls = Calls()
    for n in range(count):
        calls.read({"id": f"c{n % 1_000}", "function": {"name": "f", "arguments": "{}"}})


@pytest.mark.parametrize(
    "work", [logprobs, further_fields, unnumbered_calls, calls_with_ids], ids=lambda w: w.__name__
)
def test_processor_time_is_proportional_to_the_number_of_pieces(
    work: Callable[[int], None],
) -> None:
    # Quadratic work would take 64 times as long for 8 times the pieces.
    few = processor_seconds(lambda: work(2_000))
    many = processor_seconds(lambda: work(16_000))

    assert many < 24 * few


@pytest.mark.parametrize(
    ("pieces", "numbers"),
    [
        (['{"a": "', "}", '"}', "{}"], [0, 0, 0, 1]),
        (['{"a": "\\', '"}', '"}', "{}"], [0, 0, 0, 1]),
        (['{"a": {}', "}", "{}"], [0, 0, 1]),
    ],
)
def test_a_name_starts_another_call_once_the_arguments_are_complete(
    pieces: list[str], numbers: list[int]
) -> None:
    calls = Calls()
    read = [calls.read({"function": {"name": "f", "arguments": piece}}) for piece in pieces]

    assert [piece.index for piece in read] == numbers
