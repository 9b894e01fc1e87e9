"""Fail over to another model mid-stream: join its stream to a partial answer.

The other model continues the partial answer as a prefill (prefill.py), or generates the answer
anew, and its stream is held back while it repeats the partial answer, byte for byte. Its tool calls
may follow the joint. Any other stream is not joined (docs/decisions/0015-stream-failover.md,
0018-prefill-echo.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from chatd.canonical.events import Delta, Event, Finish, Frame, Head
from chatd.canonical.response import FailedOver
from chatd.errors import DivergedError

# Fields of a message that repeat or detail its thinking.
_THINKING = frozenset({"reasoning", "reasoning_details"})


class PartialAnswer:
    """The text of a broken stream, and whether another model can continue it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._joinable = True

    @property
    def text(self) -> str:
        """The text of the answer, without thinking."""
        return "".join(self._pieces)

    @property
    def joinable(self) -> bool:
        """Whether the answer is unfinished and only text; no other answer can be joined."""
        return self._joinable

    def note(self, event: Event) -> None:
        """Add an event of the stream."""
        if isinstance(event, FailedOver) and event.anew:
            self._pieces.clear()
            self._joinable = True
        elif isinstance(event, Delta):
            if event.content:
                self._pieces.append(event.content)
            if event.logprobs is not None or event.blocks or event.refusal or _more(event):
                self._joinable = False
            if event.index or event.tool_calls:
                self._joinable = False
        elif isinstance(event, Finish):
            self._joinable = False


class Held(Protocol):
    """Separates the new text of a stream from a repetition of the partial answer."""

    @property
    def open(self) -> bool:
        """Whether all that follows is new text."""

    def add(self, text: str) -> str:
        """Add a piece of the stream; return the text that is certain to be new.

        Raises:
            DivergedError: If the stream cannot be joined to the partial answer.

        """

    def end(self) -> str:
        """End the stream; return the new text that was held back.

        Raises:
            DivergedError: As for `add`.

        """


class Repetition:
    """Holds a stream back while it repeats the partial answer, byte for byte.

    Args:
        partial: The text of the partial answer.

    """

    def __init__(self, partial: str) -> None:
        self._partial = partial
        self._repeated = 0

    @property
    def open(self) -> bool:
        """Whether all that follows is new text."""
        return self._repeated == len(self._partial)

    def add(self, text: str) -> str:
        """Add a piece of the stream; return the text beyond the repetition."""
        expected = self._partial[self._repeated : self._repeated + len(text)]
        if not text.startswith(expected):
            raise DivergedError("the answer begun anew differs from what was already sent")
        self._repeated += len(expected)
        return text[len(expected) :]

    def end(self) -> str:
        """End the stream; return an empty text, as no new text is held back."""
        if self._repeated < len(self._partial):
            raise DivergedError("the answer begun anew is shorter than what was already sent")
        return ""


def continued(frames: Iterator[Frame], held: Held, failed_over: FailedOver) -> Iterator[Frame]:
    """Join the stream of another model to the partial answer.

    Frames that hold a repetition are replaced by the new text in them. Thinking before the joint is
    dropped: the caller has the first model's thinking. Later frames are yielded unchanged.

    Args:
        frames: The stream of the other model.
        held: Separates its new text from a repetition.
        failed_over: Is yielded at the joint, before the first new text or the end.

    Raises:
        DivergedError: If the stream cannot be joined: it differs, or has more than text and calls.
        ChatdError: If it breaks off too.

    """
    joined = False
    for frame in frames:
        if joined and held.open:
            for event in frame.events:
                if isinstance(event, Delta):
                    _new_text(event, held, failed_over)  # refuses more than text and calls
            yield frame
            continue
        events = _new_events(frame, held, failed_over)
        if not joined and any(isinstance(event, Delta | Finish) for event in events):
            joined = True
            events.insert(0, failed_over)
        if events:
            yield Frame(tuple(events))


def _new_events(frame: Frame, held: Held, failed_over: FailedOver) -> list[Event]:
    """Return the events of a frame with the new text in place of its own."""
    events: list[Event] = []
    for event in frame.events:
        if isinstance(event, Delta | Finish):
            text = _new_text(event, held, failed_over)
            calls = event.tool_calls if isinstance(event, Delta) else ()
            if text or calls:
                events.append(Delta(content=text or None, tool_calls=calls))
        if not isinstance(event, Delta | Head):
            events.append(event)
    return events


def begun_anew(frames: Iterator[Frame], failed_over: FailedOver) -> Iterator[Frame]:
    """Replace a partial answer by the whole answer of another model.

    For a caller of a whole answer, which received no part of it yet.

    Args:
        frames: The stream of the other model.
        failed_over: Is yielded first.

    """
    yield Frame((replace(failed_over, anew=True),))
    yield from frames


def _new_text(event: Delta | Finish, held: Held, failed_over: FailedOver) -> str:
    """Return the text that an event adds to the partial answer."""
    try:
        if isinstance(event, Finish):
            return held.end()
        return _text_beside_calls(event, held)
    except DivergedError as error:
        other = f"{failed_over.provider}/{failed_over.model}"
        error.message = (
            f"{failed_over.instead_of} broke off its answer, and that of {other} could not be"
            f" joined to it: {error.message}"
        )
        error.args = (error.message,)
        raise


def _text_beside_calls(event: Delta, held: Held) -> str:
    """Return the new text of a delta that has text and tool calls of the first choice alone.

    Raises:
        DivergedError: If it has more, or a call before the joint.

    """
    if event.index or event.blocks or event.refusal or _more(event):
        raise DivergedError("the answer of the other model is more than text and tool calls")
    text = held.add(event.content or "")
    if event.tool_calls and not held.open:
        raise DivergedError("the other model calls a tool instead of repeating the answer")
    return text


def _more(event: Delta) -> bool:
    """Whether a delta has another part than text and the details of thinking."""
    if event.extra is None:
        return False
    fields = event.extra.nested.get("message", {})
    return any(value for name, value in fields.items() if name not in _THINKING)
