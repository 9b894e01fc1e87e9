"""Echo the prompt of a completion before the answer, for a provider without `echo`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chatd.canonical.content import Text
from chatd.canonical.events import Delta, End, Event, Finish, Frame
from chatd.canonical.response import Choice, Response


class EchoedPrompt:
    """Puts the prompt before the text of the only choice.

    Args:
        prompt: The prompt's text.

    """

    def __init__(self, prompt: str) -> None:
        self._prompt = prompt

    def whole(self, response: Response) -> Response:
        """Put the prompt before the text of a whole response."""
        return replace(response, choices=tuple(map(self._choice, response.choices)), source=None)

    def frames(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Put the prompt before the first text of a stream; each frame gives one frame."""
        begun = False
        for frame in frames:
            place = None if begun else _first(frame.events)
            if place is None:
                yield frame
                continue
            begun = True
            events = (*frame.events[:place], Delta(content=self._prompt), *frame.events[place:])
            yield Frame(events, whole=frame.whole and self.whole(frame.whole))

    def _choice(self, choice: Choice) -> Choice:
        return replace(choice, blocks=(Text(self._prompt), *choice.blocks))


def _first(events: tuple[Event, ...]) -> int | None:
    """Return the place of the first text or end; None without one."""
    return next(
        (n for n, each in enumerate(events) if isinstance(each, Delta | Finish | End)), None
    )
