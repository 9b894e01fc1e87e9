"""A custom tool's input is decoded from a function's arguments, wherever a stream cuts them."""

from __future__ import annotations

import json
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.routing.custom_input import CustomInput, decoded

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"/\n\tu😀'))
PATCH = '*** Begin Patch\n+print("Grüße 😀\\n")\n*** End Patch'


def streamed(*pieces: str) -> tuple[str, str]:
    """Return the text before the end and the text at the end."""
    custom = CustomInput()
    return "".join(map(custom.add, pieces)), custom.end()


@given(text=TEXTS, ascii=st.booleans(), cuts=st.lists(st.integers(0, 60), max_size=8))
def test_any_text_survives_any_cut(text: str, ascii: bool, cuts: list[int]) -> None:  # noqa: A002  # json.dumps's word
    arguments = json.dumps({"input": text}, ensure_ascii=ascii)
    places = [0, *sorted(min(cut, len(arguments)) for cut in cuts), len(arguments)]
    pieces = [arguments[a:b] for a, b in pairwise(places)]

    assert streamed(*pieces) == (text, "")
    assert decoded(arguments) == text


def test_each_character_of_the_json_can_be_a_piece_of_its_own() -> None:
    assert streamed(*json.dumps({"input": PATCH})) == (PATCH, "")


def test_the_text_is_given_as_it_arrives() -> None:
    custom = CustomInput()

    assert [custom.add(piece) for piece in ('{"in', 'put": "ab', "c\\", 'nd"', "}")] == [
        "",
        "ab",
        "c",
        "\nd",
        "",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", ""),
        ("{}", ""),
        ('{"patch": "a"}', "a"),
        ('{"explanation": "b", "input": "a"}', "a"),
        ('{"explanation": "b", "patch": "a"}', '{"explanation": "b", "patch": "a"}'),
        ('{"input": 4}', '{"input": 4}'),
        ('{"input": ["a"]}', '{"input": ["a"]}'),
        ('"a\\nb"', "a\nb"),
        ("[1]", "[1]"),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"a": ' * 5000, '{"a": ' * 5000),
        ('  {\n "input" :\t"a"\n}', "a"),
        ('{"input": "a", "more": 1}', "a"),
        ('{"input": "a\nb"}', "a\nb"),
        ('{"input": "a\\qb"}', "a\\qb"),
        ('{"input": "a\\u12xyb"}', "a\\u12xyb"),
        ('{"input": "a', "a"),
        ('{"input": "a\\', "a"),
        ('{"input": "a\\u12', "a"),
        ('{"input": "\\ud83d\\ude00"}', "😀"),
        ('{"input": "\\ud83d"}', "\ufffd"),
        ('{"input": "\\ude00x"}', "\ufffdx"),
        ('{"input": "\\ud83dx"}', "\ufffdx"),
        ('{"input": "\\ud83d', "\ufffd"),
    ],
)
def test_other_arguments_are_read_leniently_whole_and_in_pieces(arguments: str, text: str) -> None:
    assert decoded(arguments) == text
    assert "".join(streamed(arguments)) == text
    assert "".join(streamed(*arguments)) == text


def test_long_arguments_of_another_form_are_given_as_they_are_once_1_million_are_held() -> None:
    piece = '{"a": 1, ' + " " * 65_527

    before, at_end = streamed(*[piece] * 40)

    assert before == piece * 40
    assert at_end == ""


def test_the_time_is_proportional_to_the_length() -> None:
    custom = CustomInput()
    pieces = ['{"input": "', *["\\n\\u00e4x"] * 200_000, '"}']

    started = time.process_time()
    size = sum(len(custom.add(piece)) for piece in pieces)

    assert size == 600_000
    assert time.process_time() - started < 10
