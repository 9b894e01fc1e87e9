"""Read the content of a stream's output items, each piece once.

Content comes in deltas. Where a server sends none, a later event that has all of it is read:
`….done`, `response.output_item.done`, or the output of the last event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.content import Block, Refusal, Text
from chatd.canonical.events import Delta, Event, ToolCallDelta
from chatd.canonical.extra import Json
from chatd.canonical.response import new_call_id, too_many_calls
from chatd.dialects import lenient
from chatd.dialects.json_shapes import lenient_text, member, name_in
from chatd.dialects.openai_responses import reading
from chatd.dialects.openai_responses.item_places import MESSAGE, Item, Items, index_in
from chatd.safe_json.item_limits import MAX_TOOL_CALLS

_REASONING = "reasoning"
_OWN_KINDS = frozenset({MESSAGE, _REASONING, *reading.CALLS})


class ItemEvents:
    """Reads the events of one response's items.

    Attributes:
        begun: Whether any content has come, or a hosted tool works.

    """

    def __init__(self) -> None:
        self.begun = False
        self._items = Items()
        self._calls = 0
        # The place of the last delta of text, which the next one nearly always continues.
        self._place: tuple[Any, Any, Any] | None = None
        # The item of the last content: only its signature still belongs to the last block.
        self._last: Item | None = None

    @property
    def called(self) -> bool:
        """Whether there is a call of a tool."""
        return self._calls > 0

    def text(self, event: Json) -> Delta | None:
        """Read `response.output_text.delta`; None without text.

        Raises:
            AnswerTooLargeError: If the response has more than 10,000 items, or one so many parts.

        """
        piece = event.get("delta")
        if type(piece) is not str or not piece:
            return None
        place = (event.get("output_index"), event.get("item_id"), event.get("content_index"))
        begins = False
        if place != self._place:
            begins = self._begins_part(event)
            self._place = place
        self.begun = True
        delta = Delta(0, piece, begins=begins)
        if event.get("logprobs"):
            delta.logprobs = reading.logprobs(event["logprobs"])
        return delta

    def read(self, kind: str, event: Json) -> list[Event]:
        """Read any other event of an item; an unknown event has no content.

        Raises:
            ShapeError: If it is not of its kind.
            AnswerTooLargeError: If the response has more than 10,000 items or 1,024 tool calls.

        """
        reader = _READERS.get(kind)
        if reader is None:
            return []
        self._place = None
        return self._noted(reader(self, event))

    def rest(self, output: list[dict[str, Any]]) -> list[Event]:
        """Read from the whole output what no event before had.

        Raises:
            ShapeError: If it is no output.
            AnswerTooLargeError: If the response has more than 10,000 items or 1,024 tool calls.

        """
        events: list[Event] = []
        for item, given in self._items.of_output(output):
            events += self._complete(item, given)
        return self._noted(events)

    def added(self, event: Json) -> list[Event]:
        """Read `response.output_item.added`: a tool call begins, or a hosted tool works."""
        given = member(event, "item")
        item = self._items.open(given, index_in(event))
        if item.kind in reading.CALLS and name_in(given, "name"):
            return [self._call_begins(item, given)]
        if item.kind not in _OWN_KINDS:
            self.begun = True
        return []

    def done(self, event: Json) -> list[Event]:
        """Read `response.output_item.done`."""
        given = member(event, "item")
        return self._complete(self._items.of_whole(given, index_in(event)), given)

    def refusal(self, event: Json) -> list[Event]:
        """Read `response.refusal.delta`."""
        piece = lenient_text(event, "delta")
        if piece is None:
            return []
        return [Delta(0, refusal=piece, begins=self._begins_part(event))]

    def whole_part(self, event: Json) -> list[Event]:
        """Read `response.output_text.done` or `response.refusal.done`."""
        text, refusal = lenient_text(event, "text"), lenient_text(event, "refusal")
        if not (text or refusal) or not self._begins_part(event):
            return []
        return [Delta(0, text, refusal=refusal, begins=True)]

    def summary(self, event: Json) -> list[Event]:
        """Read `response.reasoning_summary_text.delta`."""
        return self._thinking(event, "summary")

    def reasoning(self, event: Json) -> list[Event]:
        """Read `response.reasoning_text.delta`."""
        return self._thinking(event, "content")

    def arguments(self, event: Json) -> list[Event]:
        """Read a delta of a function's arguments; one before the name of its call is left."""
        return self._arguments("function_call", event, event.get("delta"), whole=False)

    def whole_arguments(self, event: Json) -> list[Event]:
        """Read `response.function_call_arguments.done`."""
        return self._arguments("function_call", event, event.get("arguments"), whole=True)

    def input(self, event: Json) -> list[Event]:
        """Read a delta of a custom tool's input; one before the name of its call is left."""
        return self._arguments("custom_tool_call", event, event.get("delta"), whole=False)

    def whole_input(self, event: Json) -> list[Event]:
        """Read `response.custom_tool_call_input.done`."""
        return self._arguments("custom_tool_call", event, event.get("input"), whole=True)

    def annotation(self, event: Json) -> list[Event]:
        """Read `response.output_text.annotation.added`."""
        found = event.get("annotation")
        return [Delta(0, extra=reading.annotations_extra([found]))] if found else []

    def _noted(self, events: list[Event]) -> list[Event]:
        self.begun = self.begun or bool(events)
        return events

    def _begins_part(self, event: Json) -> bool:
        """Note that a part of a message is read; return whether it was new."""
        item = self._last = self._items.of_delta(MESSAGE, event)
        return self._items.begin_part(item, _position(event, "content_index"))

    def _thinking(self, event: Json, source: str) -> list[Event]:
        item = self._items.of_delta(_REASONING, event)
        item.source = item.source or source
        piece = lenient_text(event, "delta")
        if piece is None or item.source != source:
            return []
        self._last = item
        first = not item.read
        if self._items.begin_part(item, _position(event, f"{source}_index")) and not first:
            piece = f"\n\n{piece}"
        return [Delta(0, thinking=piece, begins=first)]

    def _arguments(self, kind: str, event: Json, piece: Any, *, whole: bool) -> list[Event]:
        item = self._items.of_delta(kind, event)
        text = lenient.arguments(piece)
        if item.call is None or item.done or not text or (whole and item.read):
            return []
        self._last = item
        self._items.begin_part(item, 0)
        return [_piece(item, ToolCallDelta(item.call, arguments=text))]

    def _call_begins(self, item: Item, given: Json) -> Delta:
        """Read the first piece of a tool call: its id and name, without arguments."""
        if self._calls >= MAX_TOOL_CALLS:
            raise too_many_calls()
        self._last = item
        item.call = self._calls
        self._calls += 1
        first = ToolCallDelta(
            item.call,
            reading.call_id(given) or new_call_id(),
            name_in(given, "name") or "",
            extra=reading.call_extra(given),
            namespace=name_in(given, "namespace"),
        )
        return _piece(item, first)

    def _complete(self, item: Item, given: Json) -> list[Event]:
        """Read what no event before had of an item that is given whole."""
        if item.done:
            return []
        item.done = True
        events = self._rest_of(item, given)
        if events:
            self._last = item
        return events

    def _rest_of(self, item: Item, given: Json) -> list[Event]:
        if item.kind == MESSAGE:
            return self._rest_of_message(item, given)
        if item.kind == _REASONING:
            return _rest_of_reasoning(item, given, is_last=self._last is item)
        if item.kind in reading.CALLS:
            return self._rest_of_call(item, given)
        return [Delta(0, blocks=tuple(reading.blocks(given)))]

    def _rest_of_call(self, item: Item, given: Json) -> list[Event]:
        events: list[Event] = []
        if item.call is None:
            events.append(self._call_begins(item, given))
        call = reading.call(given, reading.CALLS[item.kind])
        if not item.read and call.arguments and item.call is not None:
            events.append(_piece(item, ToolCallDelta(item.call, arguments=call.arguments)))
        return events

    def _rest_of_message(self, item: Item, given: Json) -> list[Event]:
        events: list[Event] = []
        parts = reading.parts(given)
        # A server that counts its parts in another way has sent as many.
        for position, part in enumerate(parts) if len(item.read) < len(parts) else ():
            delta = _of_block(reading.part(part))
            if delta is not None and self._items.begin_part(item, position):
                delta.logprobs = reading.logprobs(part.get("logprobs"))
                notes = part.get("annotations")
                delta.extra = reading.annotations_extra(notes if type(notes) is list else [])
                events.append(delta)
        return events


def _rest_of_reasoning(item: Item, given: Json, *, is_last: bool) -> list[Event]:
    """Read the unread text of a reasoning item, and its encrypted content.

    Encrypted content that comes after the text of other items is left: it has lost its place.
    """
    begins = not item.read
    text = reading.reasoning_text(given) if begins else ""
    token = lenient_text(given, "encrypted_content") if begins or is_last else None
    if not text and not token:
        return []
    return [Delta(0, thinking=text or None, signature=token, begins=begins)]


def _of_block(block: Block) -> Delta | None:
    """Return the whole of a part as a delta; None without text."""
    if isinstance(block, Text):
        return Delta(0, block.text, begins=True) if block.text else None
    if isinstance(block, Refusal):
        return Delta(0, refusal=block.text, begins=True) if block.text else None
    return Delta(0, blocks=(block,))


def _piece(item: Item, piece: ToolCallDelta) -> Delta:
    piece.kind = reading.CALLS[item.kind]
    return Delta(0, tool_calls=(piece,))


def _position(event: Json, name: str) -> int:
    value = event.get(name)
    return value if type(value) is int and value >= 0 else 0


_READERS: Mapping[str, Callable[[ItemEvents, Json], list[Event]]] = MappingProxyType(
    {
        "response.output_item.added": ItemEvents.added,
        "response.output_item.done": ItemEvents.done,
        "response.output_text.done": ItemEvents.whole_part,
        "response.refusal.delta": ItemEvents.refusal,
        "response.refusal.done": ItemEvents.whole_part,
        "response.reasoning_summary_text.delta": ItemEvents.summary,
        "response.reasoning_text.delta": ItemEvents.reasoning,
        "response.function_call_arguments.delta": ItemEvents.arguments,
        "response.function_call_arguments.done": ItemEvents.whole_arguments,
        "response.custom_tool_call_input.delta": ItemEvents.input,
        "response.custom_tool_call_input.done": ItemEvents.whole_input,
        "response.output_text.annotation.added": ItemEvents.annotation,
    }
)
