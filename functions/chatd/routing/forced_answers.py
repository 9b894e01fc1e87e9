"""Turn answers to an emulated choice of tools into calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from chatd.canonical.content import Block, Text, ToolCall
from chatd.canonical.events import Delta, Event, Finish, Frame, ToolCallDelta
from chatd.canonical.response import Choice, Response, new_call_id
from chatd.safe_json.value_count import MAX_ANSWER_VALUES, is_bounded

# Characters of an answer that are held until its end, for the name of the function.
_MOST_HELD = 1024 * 1024


class ForcedCall:
    """Turns the text of an answer into the call of a forced function.

    Args:
        names: The names of the functions; of several, the text names the called one.

    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._id = new_call_id()

    def whole(self, response: Response) -> Response:
        """Turn the text of a whole response into a call."""
        return replace(response, choices=tuple(map(self._choice, response.choices)), source=None)

    def frames(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Turn the text of a stream into a call; each frame gives one frame.

        The arguments of a single function are given as they arrive. Of several functions the text
        is held until its end, up to 1 M characters; a longer one stays a text.
        """
        stream = _Text(self._names, self._id)
        for frame in frames:
            events = tuple(event for given in frame.events for event in stream.events(given))
            yield Frame(events, whole=frame.whole and self.whole(frame.whole))

    def _choice(self, choice: Choice) -> Choice:
        call = called(choice.content or "", self._names)
        if call is None:
            return choice
        name, arguments = call
        others: tuple[Block, ...] = tuple(b for b in choice.blocks if not isinstance(b, Text))
        blocks = (*others, ToolCall(self._id, name, arguments))
        return replace(choice, blocks=blocks, finish_reason=_reason(choice.finish_reason))


class FirstCall:
    """Keeps the first call of an answer, for a caller that wants no parallel calls."""

    def whole(self, response: Response) -> Response:
        """Remove the later calls of a whole response; the same response without any."""
        if all(len(choice.tool_calls) < 2 for choice in response.choices):  # noqa: PLR2004  # the first one alone
            return response
        choices = tuple(replace(choice, blocks=_first(choice)) for choice in response.choices)
        return replace(response, choices=choices, source=None)

    def frames(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Remove the later calls of a stream; each frame gives one frame."""
        for frame in frames:
            later = [
                event
                for event in frame.events
                if isinstance(event, Delta) and any(call.index for call in event.tool_calls)
            ]
            if not later:
                yield frame
                continue
            events = tuple(_without_later(event) for event in frame.events)
            yield Frame(events, whole=frame.whole and self.whole(frame.whole))


def called(text: str, names: tuple[str, ...]) -> tuple[str, str] | None:
    """Read a call in a text: the function and its arguments; None if the text holds none."""
    text = text.strip()
    if not text.startswith("{"):  # a provider that ignored the format
        return None
    if len(names) == 1:
        return names[0], text
    if not is_bounded(text.encode("utf-8", "surrogatepass"), MAX_ANSWER_VALUES):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("name") not in names:
        return None
    return value["name"], json.dumps(value.get("arguments") or {}, ensure_ascii=False)


class _Text:
    """The text of one stream, of its only choice."""

    def __init__(self, names: tuple[str, ...], call_id: str) -> None:
        self._names = names
        self._id = call_id
        self._called = self._released = False
        self._held: list[str] = []
        self._size = 0

    def events(self, event: Event) -> Iterator[Event]:
        """Turn one event into the events of a call."""
        if isinstance(event, Delta) and event.content:
            yield from self._delta(event, event.content)
        elif isinstance(event, Finish):
            yield from self._end(event.index)
            yield replace(event, reason=_reason(event.reason) or "stop") if self._called else event
        else:
            yield event

    def _delta(self, delta: Delta, text: str) -> Iterator[Delta]:
        if self._released:
            yield delta
            return
        bare = replace(delta, content=None)
        if len(self._names) > 1:
            self._hold(bare, text)
        elif self._called or (text := text.lstrip()).startswith("{"):
            bare.tool_calls = (self._piece(self._names[0], text),)
        elif text:  # a provider that ignored the format
            self._released = True
            bare.content = text
        yield bare

    def _hold(self, delta: Delta, text: str) -> None:
        """Hold the text; write into the delta what is held too long."""
        self._held.append(text)
        self._size += len(text)
        if self._size > _MOST_HELD:
            self._released = True
            delta.content = "".join(self._held)
            self._held.clear()

    def _end(self, index: int) -> Iterator[Delta]:
        """Yield the call, or the text without a call, that was held."""
        text = "".join(self._held)
        self._held.clear()
        call = called(text, self._names)
        if call is not None:
            yield Delta(index, tool_calls=(self._piece(*call),))
        elif text:
            yield Delta(index, text)

    def _piece(self, name: str, arguments: str) -> ToolCallDelta:
        if self._called:
            return ToolCallDelta(0, arguments=arguments)
        self._called = True
        return ToolCallDelta(0, self._id, name, arguments)


def _reason(reason: str | None) -> str | None:
    return "tool_calls" if reason in ("stop", "stop_sequence") else reason


def _first(choice: Choice) -> tuple[Block, ...]:
    first = next(iter(choice.tool_calls), None)
    return tuple(b for b in choice.blocks if not isinstance(b, ToolCall) or b is first)


def _without_later(event: Event) -> Event:
    if not isinstance(event, Delta) or not event.tool_calls:
        return event
    return replace(event, tool_calls=tuple(c for c in event.tool_calls if c.index == 0))
