"""Whatever the pieces of a stream, no blocked phrase passes, and harmless frames stay the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, ToolCallDelta
from chatd.canonical.response import Usage
from chatd.guardrails.apply import Verdict
from chatd.guardrails.windows import KEPT, WITHHELD, Windows

PHRASE = "<" + "b" * 100 + ">"
MESSAGE = "No."


def check(texts: Sequence[str]) -> Verdict:
    blocked = any(PHRASE in text for text in texts)
    return Verdict(blocked=blocked, message=MESSAGE if blocked else "")


def windows(verdict: object = check) -> Windows:
    return Windows(verdict, lambda: Usage(1, 2))  # type: ignore[arg-type]  # a fake of any kind


def stream_of(*deltas: Delta) -> list[Frame]:
    frames = [Frame((delta,)) for delta in deltas]
    return [*frames, Frame((Finish(0, "stop"),)), Frame((Counted(Usage(3, 4)), End()))]


def events(frames: Iterator[Frame]) -> list[Event]:
    return [event for frame in frames for event in frame.events]


def text(found: Sequence[Event]) -> str:
    return "".join(event.content or "" for event in found if isinstance(event, Delta))


PIECES = st.lists(st.text("abc ", min_size=0, max_size=400), max_size=30)
WAYS = ["at_the_end", "held_back", "followed"]


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=60)
@given(pieces=PIECES)
def test_harmless_frames_pass_as_they_are(way: str, pieces: list[str]) -> None:
    frames = stream_of(*(Delta(content=piece) for piece in pieces))

    assert list(getattr(windows(), way)(iter(frames))) == frames


@pytest.mark.parametrize("way", ["at_the_end", "held_back"])
@settings(deadline=None, max_examples=100)
@given(before=PIECES, after=PIECES, cuts=st.sets(st.integers(1, len(PHRASE) - 1)))
def test_no_character_of_a_blocked_phrase_is_sent(
    way: str, before: list[str], after: list[str], cuts: set[int]
) -> None:
    places = [0, *sorted(cuts), len(PHRASE)]
    cut = [PHRASE[start:end] for start, end in itertools.pairwise(places)]
    assert len(PHRASE) <= KEPT
    deltas = [Delta(content=piece) for piece in (*before, *cut, *after)]

    found = events(getattr(windows(), way)(iter(stream_of(*deltas))))
    sent = text(found)
    assert sent.endswith(MESSAGE)
    assert "".join(before).startswith(sent.removesuffix(MESSAGE))
    assert isinstance(found[-1], End)
    finish = [event.reason for event in found if isinstance(event, Finish)]
    assert finish == ["content_filter"]


def test_masks_are_in_the_content_of_one_choice() -> None:
    def masks(texts: Sequence[str]) -> Verdict:
        return Verdict(masked=tuple(text.replace("x", "*") for text in texts))

    frames = stream_of(Delta(content="a"), Delta(content="x", logprobs=[1]))
    found = events(windows(masks).held_back(iter(frames)))
    assert [event.content for event in found if isinstance(event, Delta)] == ["a*", None]
    assert isinstance(found[-1], End)


@pytest.mark.parametrize(
    "delta",
    [
        Delta(thinking="x"),
        Delta(tool_calls=(ToolCallDelta(0, "c", "f", "x"),)),
        Delta(1, content="x"),
        Delta(refusal="x"),
    ],
    ids=["thinking", "arguments", "second choice", "refusal"],
)
def test_masks_elsewhere_withhold_the_answer(delta: Delta) -> None:
    def masks(texts: Sequence[str]) -> Verdict:
        return Verdict(masked=tuple(text.replace("x", "*") for text in texts))

    found = events(windows(masks).held_back(iter(stream_of(Delta(content="a"), delta))))
    assert text(found).startswith(WITHHELD)
    assert not any(isinstance(event, Delta) and event.thinking for event in found)


def test_each_open_choice_ends_with_the_message() -> None:
    frames = [
        Frame((Delta(0, "a" * 1000), Finish(0, "stop"), Delta(1, "a"))),
        Frame((Delta(1, PHRASE), Finish(1, "stop"), End())),
    ]
    found = events(windows().followed(iter(frames)))

    ends = [(event.index, event.reason) for event in found if isinstance(event, Finish)]
    assert ends in (
        [(0, "content_filter"), (1, "content_filter")],
        [(0, "stop"), (1, "content_filter")],
    )


def test_nothing_is_checked_where_there_is_no_text() -> None:
    def never(texts: Sequence[str]) -> Verdict:
        raise AssertionError(texts)

    frames = stream_of(Delta(content=""), Delta(content="  \n"))
    assert list(windows(never).held_back(iter(frames))) == frames


def test_a_failed_check_sends_no_text_of_its_window() -> None:
    def fails(_texts: Sequence[str]) -> Verdict:
        raise RuntimeError

    found: list[Frame] = []
    with pytest.raises(RuntimeError):
        found.extend(windows(fails).held_back(iter(stream_of(Delta(content="a" * 5000)))))
    assert found == []


@pytest.mark.parametrize("way", ["held_back", "followed"])
def test_tokens_after_a_large_frame_are_not_checked_each(way: str) -> None:
    seen: list[str] = []

    def counts(texts: Sequence[str]) -> Verdict:
        seen.extend(texts)
        return Verdict()

    frames = stream_of(Delta(content="a" * 990), *[Delta(content="abcd")] * 500)
    assert list(getattr(windows(counts), way)(iter(frames))) == frames
    assert len(seen) == 4


def masks_digits(texts: Sequence[str]) -> Verdict:
    """Block the phrase, and mask a run of nines."""
    found = check(texts)
    masked = tuple(text.replace("999", "{NUMBER}") for text in texts)
    return found if found.blocked or masked == tuple(texts) else Verdict(masked=masked)


@pytest.mark.parametrize("cut", [1, 50, 101])
def test_a_phrase_that_begins_in_a_masked_window_is_blocked_before_any_of_it_is_sent(
    cut: int,
) -> None:
    before = "999 " + "a" * (996 - cut)
    deltas = [Delta(content=before), Delta(content=PHRASE[:cut]), Delta(content=PHRASE[cut:])]
    sent = text(events(windows(masks_digits).held_back(iter(stream_of(*deltas)))))

    assert sent.endswith(MESSAGE)
    assert sent.startswith("{NUMBER} aaa")
    assert not set(sent.removesuffix(MESSAGE)) & set("<b>")


@pytest.mark.parametrize("behind", range(KEPT - 10, KEPT + 4))
def test_no_mask_is_parted(behind: int) -> None:
    """A mask lies across the place where a window is parted."""
    content = "a" * 900 + "999" + "c" * behind
    frames = stream_of(Delta(content=content), Delta(content="c" * 900))
    deltas = [
        event.content
        for event in events(windows(masks_digits).held_back(iter(frames)))
        if isinstance(event, Delta) and event.content
    ]

    assert "".join(deltas) == "a" * 900 + "{NUMBER}" + "c" * (behind + 900)
    assert sum("{NUMBER}" in piece for piece in deltas) == 1
