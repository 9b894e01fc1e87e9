"""An echo of a prefill is separated from the continuation, or the stream is unclear."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.errors import PrefillUnclearError
from chatd.resilience.prefill import Continuation, takes_prefill

COUNT = " ".join(str(number) for number in range(1, 31))


def read_continuation(
    pieces: list[str], prefill: str, requested: tuple[str, ...] = ()
) -> str | None:
    """Return the text that a stream adds to the prefill; None if unclear."""
    continuation = Continuation(prefill, requested)
    try:
        return "".join([*(continuation.add(piece) for piece in pieces), continuation.end()])
    except PrefillUnclearError:
        return None


def cut_up(text: str, places: list[int]) -> list[str]:
    return [text[a:b] for a, b in pairwise(sorted({0, *places, len(text)}))]


def in_pieces(text: str, size: int) -> list[str]:
    return cut_up(text, list(range(0, len(text), size)))


WORDS = st.lists(st.sampled_from(["a", "b", " ", "\n", "ab ", "é", "😀", "the sky is blue "]))
TEXT = st.one_of(
    st.text(min_size=2, max_size=120),
    WORDS.map("".join).filter(lambda text: len(text) > 1),
    st.tuples(WORDS.map("".join), st.integers(2, 4)).map(lambda x: x[0] * x[1] + "."),
)
PLACES = st.lists(st.integers(0, 300), max_size=8)


@given(TEXT, st.integers(1, 300), PLACES)
def test_an_echo_is_never_part_of_the_continuation(text: str, cut: int, places: list[int]) -> None:
    prefill, rest = text[: cut % len(text)], text[cut % len(text) :]
    assume(prefill.strip())
    for received in (prefill + rest, prefill.strip() + prefill[len(prefill.rstrip()) :] + rest):
        new = read_continuation(cut_up(received, places), prefill)
        assert new in (None, rest)


@given(TEXT, st.integers(1, 300), PLACES)
def test_a_continuation_is_complete(text: str, cut: int, places: list[int]) -> None:
    prefill, rest = text[: cut % len(text)], text[cut % len(text) :]
    assume(prefill.strip())
    # The one gap of docs/decisions/0018-prefill-echo.md: the text repeats its beginning.
    gap = len(prefill.strip()) >= 32 and rest.lstrip().startswith(prefill.strip())
    new = read_continuation(cut_up(rest, places), prefill)
    assert new in (None, rest) or gap


@given(TEXT, st.integers(1, 300), PLACES, PLACES)
def test_the_continuation_does_not_depend_on_the_cuts_of_the_stream(
    text: str, cut: int, one: list[int], other: list[int]
) -> None:
    prefill = text[: cut % len(text)]
    assume(prefill.strip())
    assert read_continuation(cut_up(text, one), prefill) == read_continuation(
        cut_up(text, other), prefill
    )


LONG = "The partial answer of the first model, which is long enough"


@pytest.mark.parametrize(
    ("received", "new"),
    [
        (" and more.", " and more."),
        ("", ""),
        ("The", None),
        ("The partial answer of another", None),
        ("Thus.", "Thus."),
        (LONG, None),
        (LONG + " and more.", " and more."),
        ("\n" + LONG + " and more.", " and more."),
        (LONG + LONG + " and more.", None),
        (LONG + " The partial answer is twice here.", None),
        ("long enough and more.", None),
        ("Of " + "other words " * 20, "Of " + "other words " * 20),
        (LONG + " " * 60 + "and more", " " * 60 + "and more"),
        ("enough, or so.", "enough, or so."),
        (" " * 100 + "and more", None),
        (LONG + " " * 100 + "and more", None),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_an_echo_is_removed_kept_or_unclear_by_its_text(
    received: str, new: str | None, size: int
) -> None:
    assert read_continuation(in_pieces(received, size), LONG) == new


@pytest.mark.parametrize(
    ("prefill", "received", "new"),
    [
        ("The sky ", "is blue.", "is blue."),
        ("The sky ", " is blue.", None),  # white space that the server removed and generated again
        ("The sky", " is blue.", " is blue."),
        ("A list:\n", "\n- one", None),
        ("def f():\n", "    return 1", "    return 1"),
        (LONG + "\n", LONG + "\nMore.", "More."),
        (LONG + "\n", LONG + "More.", None),
        ("ha ha ha ha ha ha ha ha ha ha ha ha ha ha ", "ha ha ha.", None),
        ("ab " * 20, "ab " * 20 + "ab ab.", None),
    ],
)
def test_white_space_and_repetitions_are_unclear_unless_exact(
    prefill: str, received: str, new: str | None
) -> None:
    assert read_continuation([received], prefill) == new


def test_an_echo_of_a_long_end_of_the_prefill_is_unclear() -> None:
    assert read_continuation([COUNT[10:], " and more"], COUNT) is None


def test_a_repetition_after_an_echo_is_unclear_before_the_stream_ends() -> None:
    continuation = Continuation(LONG)

    with pytest.raises(PrefillUnclearError):
        continuation.add(LONG + LONG[:12])


def test_a_long_echo_in_small_pieces_takes_linear_time() -> None:
    numbers = " ".join(str(n) for n in range(200_000))

    assert read_continuation(in_pieces(numbers + " end.", 3), numbers) == " end."


@pytest.mark.parametrize("text", ["", " \n", "half a character: \ud83d"])
def test_an_empty_or_invalid_text_is_no_prefill(text: str) -> None:
    assert not takes_prefill(ChatRequest("m", (Message("user", (Text("x"),)),)), text)
