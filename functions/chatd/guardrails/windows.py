"""Check the frames of an answer window by window; hold frames back until their check."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame
from chatd.canonical.response import Usage
from chatd.guardrails.answer_text import AnswerText, masked_frame, parted, size_of, text_of
from chatd.guardrails.apply import Verdict

# AWS bills text units of 1,000 characters. A window has as many. The last 200 of them are held back
# and checked again with the next window, so that a phrase of that length is in one check whole.
WINDOW, KEPT = 1_000, 200
WITHHELD = "The answer was withheld by a guardrail."
CONTENT_FILTER = "content_filter"

Check = Callable[[Sequence[str]], Verdict]


class Windows:
    """The check of one answer.

    Args:
        check: Checks texts of the model.
        usage: Returns the tokens so far, for an answer that is blocked.

    """

    def __init__(self, check: Check, usage: Callable[[], Usage]) -> None:
        self._check = check
        self._usage = usage
        self._held: deque[Frame] = deque()
        self._size = self._unchecked = 0  # characters of the held frames, and of unchecked ones
        self._seen: set[int] = {0}
        self._finished: set[int] = set()
        self._is_blocked = False

    def at_the_end(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Check a whole answer at its end; no frame is yielded before."""
        for frame in frames:
            self._add(frame)
        yield from self._passed(keep=0)

    def held_back(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Check a stream in windows; each frame waits for the check of its text.

        A blocked window ends the stream with the guardrail's message.
        """
        for frame in frames:
            self._add(frame)
            is_last = _has(frame, End)
            if not is_last and not self._is_full:
                continue
            yield from self._passed(keep=0 if is_last else KEPT)
            if self._is_blocked:
                return
        yield from self._passed(keep=0)

    def followed(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Check a stream in windows behind its frames; only its end waits for a check.

        Masks are ignored, because the text was already sent.
        """
        for frame in frames:
            is_end = _has(frame, Finish) or _has(frame, End)
            self._add(frame)
            if not is_end:
                self._note(frame)
                yield frame
            if self._unchecked and (is_end or self._is_full):
                verdict = self._verdict(text_of(self._held))
                if verdict.blocked:
                    yield self._blocked(verdict)
                    return
                self._trim(KEPT)
            if is_end:
                self._note(frame)
                yield frame

    @property
    def _is_full(self) -> bool:
        """Whether to check the held frames; a large frame is not checked with each later one."""
        return self._size >= WINDOW and self._unchecked >= WINDOW - KEPT

    def _add(self, frame: Frame) -> None:
        self._held.append(frame)
        size = size_of(frame)
        self._size += size
        self._unchecked += size
        self._seen |= {event.index for event in frame.events if isinstance(event, Delta)}

    def _trim(self, keep: int) -> list[Frame]:
        """Take the first frames out, as long as `keep` characters are left."""
        taken = []
        while self._held and (not keep or self._size - size_of(self._held[0]) >= keep):
            taken.append(self._held.popleft())
            self._size -= size_of(taken[-1])
        return taken

    def _passed(self, keep: int) -> Iterator[Frame]:
        """Check the held frames; yield the passed frames, or a frame in their place."""
        text = text_of(self._held)
        verdict = self._verdict(text) if self._unchecked else Verdict()
        if verdict.masked is not None:
            masked = masked_frame(self._held, text, verdict.masked)
            verdict = Verdict(blocked=masked is None)
            if masked is not None:
                self._held = deque(parted(masked, keep))
                self._size = sum(map(size_of, self._held))
        if verdict.blocked:
            yield self._blocked(verdict)
            return
        for frame in self._trim(keep):
            self._note(frame)
            yield frame

    def _verdict(self, text: AnswerText) -> Verdict:
        self._unchecked = 0
        given = text.given()
        return self._check(given) if given else Verdict()

    def _note(self, frame: Frame) -> None:
        self._finished |= {event.index for event in frame.events if isinstance(event, Finish)}

    def _blocked(self, verdict: Verdict) -> Frame:
        """End each open choice with the guardrail's message."""
        self._is_blocked = True
        self._held.clear()
        indexes = sorted(self._seen - self._finished)
        return canned(verdict.message or WITHHELD, indexes, Counted(self._usage()))


def canned(message: str, indexes: Sequence[int], counted: Counted) -> Frame:
    """Write a message in place of an answer, or of the rest of one."""
    events: list[Event] = []
    for index in indexes:
        events += [Delta(index, message, begins=True), Finish(index, CONTENT_FILTER)]
    return Frame((*events, counted, End()))


def _has(frame: Frame, kind: type[Event]) -> bool:
    return any(isinstance(event, kind) for event in frame.events)
