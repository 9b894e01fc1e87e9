"""Turn calls of adapted tools in an answer back into calls of the caller's tools."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from chatd.canonical.content import Block, ToolCall
from chatd.canonical.events import Delta, End, Event, Finish, Frame, ToolCallDelta
from chatd.canonical.response import Choice, Response
from chatd.routing.custom_input import CustomInput, decoded


@dataclass(frozen=True, slots=True)
class Original:
    """The caller's tool that an adapted name stands for.

    Attributes:
        name: The tool's own name.
        namespace: Its namespace.
        custom: Whether it is a custom tool, written as a function of one text.

    """

    name: str
    namespace: str | None
    custom: bool


class ToolAnswers:
    """Turns the answers to one adapted request back.

    Args:
        originals: The caller's tools by their adapted names.

    """

    def __init__(self, originals: Mapping[str, Original]) -> None:
        self._originals = originals

    def whole(self, response: Response) -> Response:
        """Turn the calls of a whole response back; the same response without any."""
        choices = tuple(map(self._choice, response.choices))
        if all(new is old for new, old in zip(choices, response.choices, strict=True)):
            return response
        return replace(response, choices=choices, source=None)

    def frames(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Turn the calls of a stream back; each frame gives one frame."""
        stream = _Stream(self._originals)
        for frame in frames:
            yield self._frame(frame, stream)

    def _frame(self, frame: Frame, stream: _Stream) -> Frame:
        events = stream.events(frame.events)
        whole = frame.whole and self.whole(frame.whole)
        if events is frame.events and whole is frame.whole:
            return frame
        return Frame(events, whole=whole)

    def _choice(self, choice: Choice) -> Choice:
        blocks = tuple(map(self._block, choice.blocks))
        if all(new is old for new, old in zip(blocks, choice.blocks, strict=True)):
            return choice
        return replace(choice, blocks=blocks)

    def _block(self, block: Block) -> Block:
        original = self._originals.get(block.name) if type(block) is ToolCall else None
        if original is None or not isinstance(block, ToolCall):
            return block
        changed = replace(block, name=original.name, namespace=original.namespace)
        if original.custom and block.kind == "function":
            changed.kind, changed.arguments = "custom", decoded(block.arguments)
        return changed


class _Stream:
    """The calls of one stream, by choice and number."""

    def __init__(self, originals: Mapping[str, Original]) -> None:
        self._originals = originals
        self._inputs: dict[tuple[int, int], CustomInput] = {}

    def events(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """Turn events back; the same tuple if nothing changes."""
        found: list[Event] = []
        for event in events:
            if type(event) is Delta and event.tool_calls:
                found.extend(self._delta(event))
                continue
            if self._inputs and type(event) in (Finish, End):
                found.extend(self._rest(event.index if isinstance(event, Finish) else None))
            found.append(event)
        same = len(found) == len(events) and all(map(_is, found, events))
        return events if same else tuple(found)

    def _delta(self, delta: Delta) -> Iterator[Delta]:
        pieces = tuple(
            new
            for piece in delta.tool_calls
            if (new := self._piece(delta.index, piece)) is not None
        )
        if len(pieces) == len(delta.tool_calls) and all(map(_is, pieces, delta.tool_calls)):
            yield delta
        elif pieces or _has_more(delta):
            yield replace(delta, tool_calls=pieces)

    def _piece(self, choice: int, piece: ToolCallDelta) -> ToolCallDelta | None:
        """Turn a piece of a call back; None if nothing of it is known yet."""
        place = (choice, piece.index)
        original = self._originals.get(piece.name) if piece.name is not None else None
        if original is not None:
            piece = replace(piece, name=original.name, namespace=original.namespace)
            if original.custom and piece.kind == "function" and place not in self._inputs:
                self._inputs[place] = CustomInput()
        custom = self._inputs.get(place)
        if custom is None:
            return piece
        text = custom.add(piece.arguments)
        if not text and piece.id is None and piece.name is None:
            return None
        return replace(piece, arguments=text, kind="custom")

    def _rest(self, choice: int | None) -> Iterator[Delta]:
        """Yield the inputs that were held back to the end of a choice; None: of every choice."""
        for index, number in [place for place in self._inputs if choice in (None, place[0])]:
            if text := self._inputs.pop((index, number)).end():
                call = ToolCallDelta(number, arguments=text, kind="custom")
                yield Delta(index, tool_calls=(call,))


def _is(one: object, other: object) -> bool:
    return one is other


def _has_more(delta: Delta) -> bool:
    """Return whether a delta has more than tool calls."""
    return any(
        (
            *(delta.content, delta.thinking, delta.signature, delta.refusal),
            *(delta.blocks, delta.logprobs, delta.extra),
        )
    )
