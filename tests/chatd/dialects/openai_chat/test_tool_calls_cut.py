"""Tool calls without an index are distinguished at every cut of their pieces."""

from __future__ import annotations

import json

import pytest

from chatd.canonical.extra import Json
from chatd.dialects.openai_chat.tool_calls import Calls

ARGUMENTS = [
    json.dumps({"x": 'a"}b{\\', "y": {"z": "}"}}),
    json.dumps({"x": "\\", "y": '"', "z": '\\"'}),
    "{}",
    '{"a": {"b": {}}}',
]


def piece(arguments: str, name: str | None = "add", **more: object) -> Json:
    return {**more, "function": {"name": name, "arguments": arguments}}


def numbers(*pieces: Json) -> list[int]:
    calls = Calls()
    return [calls.read(one).index for one in pieces]


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_a_repeated_name_starts_a_call_once_the_arguments_are_complete(arguments: str) -> None:
    for cut in range(1, len(arguments)):
        first, second = piece(arguments[:cut]), piece(arguments[cut:])
        assert numbers(first, second, piece("{}")) == [0, 0, 1], cut
        nothing = piece("")
        assert numbers(first, nothing, second, piece("{}")) == [0, 0, 0, 1], cut


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_each_character_may_be_a_piece(arguments: str) -> None:
    pieces = [piece(character) for character in arguments]

    assert numbers(*pieces, piece("{}"), piece("{}")) == [0] * len(arguments) + [1, 2]


def test_another_name_starts_a_call_and_a_missing_name_continues_the_last_call() -> None:
    assert numbers(piece("{", "add"), piece("{}", "sub"), piece("}", None)) == [0, 1, 1]
    assert numbers(piece("{}", "add"), piece("", None)) == [0, 0]
    assert numbers(piece("", None), piece("{}", "add")) == [0, 0]


def test_an_id_belongs_to_one_call() -> None:
    assert numbers(piece("", id="a"), piece("", id="b"), piece("", id="a")) == [0, 1, 0]


def test_an_index_belongs_to_one_call_until_a_piece_has_another_id_and_a_name() -> None:
    assert numbers(piece("", index=3), piece("", index=1), piece("", index=3)) == [0, 1, 0]
    again = piece("", index=0, id="b")
    assert numbers(piece("", index=0, id="a"), again) == [0, 1]
    assert numbers(piece("", index=0, id="a"), piece("", None, index=0, id="b")) == [0, 0]
    assert numbers(piece("", index=0), again, again) == [0, 0, 0]


def test_the_id_and_the_name_are_written_once() -> None:
    calls = Calls()
    first = calls.read(piece("{", "add", index=0, id="a"))
    second = calls.read(piece("}", "add", index=0, id="a"))
    third = calls.read(piece("", None, index=1))
    late = calls.read(piece("", "sub", index=1, id="c"))

    assert (first.id, first.name, first.arguments) == ("a", "add", "{")
    assert (second.id, second.name, second.arguments) == (None, None, "}")
    assert third.id is not None
    assert third.id.startswith("call_")
    assert (third.name, late.id, late.name) == (None, None, "sub")
