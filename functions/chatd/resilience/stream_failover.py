"""Join the stream of another model to one that died, so that the caller sees one answer.

There are two ways: the other model continues the partial answer as a prefill (prefill.py), or
generates everything anew and is held back while it repeats the partial answer, byte for byte.
What fits neither is not joined (docs/decisions/0015-stream-failover.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from chatd.canonical.response import Delta, Event, FailedOver, Finish
from chatd.errors import DivergedError


class PartialAnswer:
    """The partial answer of a stream, as far as another model can continue it."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._joinable = True

    @property
    def text(self) -> str:
        """The text of the answer; thinking is not part of it."""
        return "".join(self._pieces)

    @property
    def joinable(self) -> bool:
        """Whether the answer is text alone, and unfinished: nothing else can be joined."""
        return self._joinable

    def note(self, event: Event) -> None:
        """Add an event of the stream."""
        if isinstance(event, FailedOver) and event.anew:
            self._pieces.clear()
            self._joinable = True
        elif isinstance(event, Delta):
            if event.content:
                self._pieces.append(event.content)
            if event.index or event.tool_calls or event.logprobs is not None or _more(event):
                self._joinable = False
        elif isinstance(event, Finish):
            self._joinable = False


class Held(Protocol):
    """Separates the new text of a stream from a repetition of the partial answer."""

    def add(self, text: str) -> str:
        """Add a piece of the stream; the new text that is certain.

        Raises:
            DivergedError: If the stream cannot be joined to what the caller has.

        """

    def end(self) -> str:
        """End the stream; the new text that was held back.

        Raises:
            DivergedError: As for `add`.

        """


class Repetition:
    """Holds a stream back while it repeats, byte for byte, what the caller has.

    Args:
        said: What must be repeated.

    """

    def __init__(self, said: str) -> None:
        self._said = said
        self._repeated = 0

    def add(self, text: str) -> str:
        """Add a piece of the stream; the text beyond the repetition."""
        expected = self._said[self._repeated : self._repeated + len(text)]
        if not text.startswith(expected):
            raise DivergedError("the answer begun anew differs from what was already sent")
        self._repeated += len(expected)
        return text[len(expected) :]

    def end(self) -> str:
        """End the stream: nothing is held back."""
        if self._repeated < len(self._said):
            raise DivergedError("the answer begun anew is shorter than what was already sent")
        return ""


def continued(events: Iterator[Event], held: Held, rescued: FailedOver) -> Iterator[Event]:
    """Join a stream of another model to what the caller has.

    Thinking before the joint is dropped: the caller has had the first model's.

    Args:
        events: Of the other model.
        held: Tells what of it the caller has not got yet.
        rescued: Is yielded at the joint, before the first new text or the end.

    Raises:
        DivergedError: If the stream cannot be joined: it differs, or is more than text.
        ChatdError: If it dies too.

    """
    joined = False
    for event in events:
        new: Event | None = event
        if isinstance(event, Delta | Finish):
            text = _new_text(event, held, rescued)
            delta = Delta(content=text) if text else None
            if not joined and (delta or isinstance(event, Finish)):
                joined = True
                yield rescued
            new = delta
        if new is not None:
            yield new
        if isinstance(event, Finish):
            yield event


def begun_anew(events: Iterator[Event], rescued: FailedOver) -> Iterator[Event]:
    """Replace a partial answer by the whole answer of another model.

    This is for a caller of a whole answer, who has nothing of the partial one yet.

    Args:
        events: Of the other model.
        rescued: Is yielded first.

    """
    yield replace(rescued, anew=True)
    yield from events


def _new_text(event: Delta | Finish, held: Held, rescued: FailedOver) -> str:
    """Return the text that an event adds to the partial answer."""
    try:
        if isinstance(event, Finish):
            return held.end()
        _only_text(event)
        return held.add(event.content or "")
    except DivergedError as error:
        error.message = (
            f"{rescued.instead_of} broke off its answer, and that of"
            f" {rescued.provider}/{rescued.model} could not be joined to it: {error.message}"
        )
        error.args = (error.message,)
        raise


def _only_text(event: Delta) -> None:
    if event.index or event.tool_calls or _more(event):
        raise DivergedError("the answer of the other model is more than text")


def _more(event: Delta) -> bool:
    """Whether an event has something besides text; the details of thinking are thinking."""
    if not event.extra:
        return False
    return any(value for name, value in event.extra.items() if name != "reasoning_details")
