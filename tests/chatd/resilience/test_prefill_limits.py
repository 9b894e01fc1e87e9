"""The rules of docs/decisions/0018-prefill-echo.md at their limits, one character apart."""

from __future__ import annotations

import string
from typing import Any

import pytest

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message, Tool
from chatd.errors import PrefillUnclearError
from chatd.resilience.prefill import Continuation, prefilled, takes_prefill

# No run of three characters occurs in it twice.
LETTERS = string.ascii_lowercase + string.digits + string.ascii_uppercase
NEW = "!!! and then something quite different follows, which no part of it holds ?!"


def outcome(prefill: str, *pieces: str, prompts: tuple[str, ...] = ()) -> str | None:
    """The new text of a whole stream; None if that cannot be decided."""
    held = Continuation(prefill, prompts)
    try:
        return "".join([*map(held.add, pieces), held.end()])
    except PrefillUnclearError:
        return None


@pytest.mark.parametrize(("length", "is_echo"), [(31, False), (32, True), (60, True)])
def test_a_prefill_of_32_characters_can_be_an_echo(length: int, is_echo: bool) -> None:
    prefill = LETTERS[:length]

    assert outcome(prefill, prefill + NEW) == (NEW if is_echo else None)
    assert outcome(prefill, *prefill, *NEW) == (NEW if is_echo else None)


@pytest.mark.parametrize(("common", "is_new"), [(0, True), (1, True), (3, True), (4, False)])
def test_three_characters_of_the_prefills_beginning_are_a_coincidence(
    common: int, is_new: bool
) -> None:
    text = LETTERS[:common] + NEW

    assert outcome(LETTERS, text) == (text if is_new else None)
    assert outcome(LETTERS, *text) == (text if is_new else None)


@pytest.mark.parametrize(("length", "is_new"), [(1, True), (7, True), (8, False), (30, False)])
def test_eight_characters_of_the_prefills_end_may_be_an_echo(length: int, is_new: bool) -> None:
    text = LETTERS[-length:] + NEW

    assert outcome(LETTERS, text) == (text if is_new else None)
    assert outcome(LETTERS, *text) == (text if is_new else None)


@pytest.mark.parametrize(("length", "is_new"), [(63, True), (64, False), (65, False)])
def test_sixty_four_characters_from_the_prefills_middle_may_be_an_echo(
    length: int, is_new: bool
) -> None:
    prefill = "".join(f"<{n}>" for n in range(100, 160))
    text = prefill[5 : 5 + length] + NEW

    assert outcome(prefill, text) == (text if is_new else None)


@pytest.mark.parametrize(("repeated", "is_new"), [(0, True), (11, True), (12, False), (20, False)])
def test_twelve_characters_after_an_echo_may_be_a_second_one(repeated: int, is_new: bool) -> None:
    text = LETTERS[:repeated] + NEW

    assert outcome(LETTERS, LETTERS + text) == (text if is_new else None)
    assert outcome(LETTERS, *LETTERS, *text) == (text if is_new else None)


@pytest.mark.parametrize("spaces", [1, 64])
def test_up_to_64_spaces_before_an_echo_belong_to_it(spaces: int) -> None:
    held = Continuation(LETTERS)

    assert held.add(" " * spaces + LETTERS + NEW) == NEW
    assert held.echoed == spaces + len(LETTERS)
    assert outcome(LETTERS, " " * 65, LETTERS + NEW) is None
    assert outcome(LETTERS, *(" " * 65)) is None


def test_an_echo_without_more_text_is_not_decided() -> None:
    assert outcome(LETTERS, LETTERS) is None
    assert outcome(LETTERS, LETTERS[:10]) is None
    assert outcome(LETTERS, LETTERS, " " * 65 + NEW) is None
    assert outcome(LETTERS, LETTERS, " " * 64 + NEW) == " " * 64 + NEW


def test_a_stream_without_text_adds_none() -> None:
    assert outcome(LETTERS) == ""
    assert outcome(LETTERS, "", "") == ""
    assert outcome(LETTERS, "  ") == "  "


def test_the_white_space_at_the_prefills_end_is_not_doubled() -> None:
    held = Continuation(f"{LETTERS}\n ")

    assert held.add(f"{LETTERS}\n {NEW}") == NEW
    assert held.echoed == len(LETTERS) + 2
    assert outcome(f"{LETTERS}\n ", LETTERS + NEW) is None
    for start in ("\n", " "):
        assert outcome(f"{LETTERS}\n ", start + NEW) is None
    assert outcome(f"{LETTERS}\n ", NEW) == NEW


def test_a_text_that_repeats_itself_is_not_decided() -> None:
    half = LETTERS[:20]

    assert outcome(half * 2, half * 2 + NEW) is None
    assert outcome(LETTERS[:39] + half, LETTERS[:39] + half + NEW) == NEW


def test_a_text_that_a_prompt_holds_is_not_decided() -> None:
    assert outcome(LETTERS, LETTERS + NEW, prompts=("a", f"say {LETTERS} twice")) is None
    assert outcome(LETTERS, LETTERS + NEW, prompts=("a", LETTERS[:-1])) == NEW


def test_all_that_follows_a_decision_is_passed_on_at_once() -> None:
    held = Continuation(LETTERS)
    assert held.open is False
    held.add(NEW)
    assert held.open is True

    assert [held.add(piece) for piece in (LETTERS, "", " ")] == [LETTERS, "", " "]
    assert (held.end(), held.echoed) == ("", 0)


HI = Message("user", (Text("Hi"),))


@pytest.mark.parametrize(
    ("limit", "text", "left"),
    [
        *((None, "x" * 40, None), (100, "x" * 40, 90), (100, "x" * 43, 90), (10, "x" * 36, 1)),
        *((10, "x" * 40, 1), (10, "x" * 400, 1), (10, "xxx", 10)),
    ],
)
def test_the_tokens_of_a_prefill_are_taken_off_the_limits(
    limit: int | None, text: str, left: int | None
) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        limits: dict[str, Any] = {name: limit}
        asked = prefilled(ChatRequest("m", (HI,), **limits), text)

        assert getattr(asked, name) == left
        assert (asked.messages[0], asked.messages[1].role) == (HI, "assistant")
        assert asked.messages[1].text == text


@pytest.mark.parametrize(
    ("fields", "text", "taken"),
    [
        *(({}, "a", True), ({}, "", False), ({}, " \n", False), ({"format": "json"}, "a", False)),
        *(({"format": {}}, "a", False), ({"tools": (Tool("f"),)}, "a", False)),
        *(({}, "a\ud7ff\ue000", True), ({}, "a\ud800", False), ({}, "a\udfff", False)),
    ],
)
def test_a_text_can_be_a_prefill_without_format_tools_or_half_a_character(
    fields: dict[str, Any], text: str, taken: bool
) -> None:
    assert takes_prefill(ChatRequest("m", (HI,), **fields), text) is taken
