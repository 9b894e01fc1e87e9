"""Write the events of the output items of a stream, from the deltas of a choice.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatd.canonical.content import Block, Opaque, Thinking
from chatd.canonical.events import Delta, ToolCallDelta
from chatd.canonical.extra import Json
from chatd.errors import UpstreamError
from chatd.surfaces.openai_responses.open_items import (
    OpenCall,
    OpenItem,
    OpenReasoning,
)
from chatd.surfaces.openai_responses.open_message import OpenMessage
from chatd.surfaces.openai_responses.output import (
    CALLS,
    annotations_of,
    begins_message,
    logprobs_of,
    opaque_item,
    part_of,
    reasoning_item,
)

Taken = tuple[list[dict[str, Any] | None], OpenMessage | None, OpenReasoning | None]
_DONE = "response.output_item.done"


class OutputWriter:
    """Writes the items of one response.

    Args:
        token: The part that all ids of the response have.
        maker: The maker of the tokens, as `<provider>/<model>`.

    Attributes:
        items: The items by their places; None for an open one.
        maker: The maker of further tokens.

    """

    def __init__(self, token: str, maker: str) -> None:
        self.items: list[dict[str, Any] | None] = []
        self.maker = maker
        self._token = token
        self._message: OpenMessage | None = None
        self._reasoning: OpenReasoning | None = None
        self._calls: dict[int, OpenCall | None] = {}  # None: a complete one
        self._open_calls = 0
        # What came before the text that it belongs to.
        self._logprobs: list[Any] = []
        self._annotations: list[Any] = []

    @property
    def complete(self) -> list[dict[str, Any]]:
        """The complete items."""
        return [item for item in self.items if item is not None]

    def take_over(self, taken: Taken) -> None:
        """Go on with the items of another writer."""
        self.items, self._message, self._reasoning = taken

    def write(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """Write the events of a delta."""
        if delta.thinking or delta.signature:
            yield from self._think(delta)
        self._logprobs += logprobs_of(delta.logprobs)
        self._annotations += annotations_of(delta.extra)
        if delta.content or delta.refusal:
            yield from self._text(delta)
        for piece in delta.tool_calls:
            yield from self._call(piece)
        for block in delta.blocks:
            yield from self._block(block)
        if self._annotations and self._message is not None:
            yield from self._message.annotate(self._annotations)
            self._annotations = []

    def further_text(self, delta: Delta) -> dict[str, Any] | None:
        """Write a delta of nothing but text that extends the open part; else return None."""
        message = self._message
        if message is None or not delta.content or delta.begins or delta.index:
            return None
        if delta.tool_calls or delta.blocks or delta.thinking or delta.signature or delta.refusal:
            return None
        if delta.logprobs or delta.extra is not None or self._logprobs or self._annotations:
            return None
        return message.further_text(delta.content)

    def _think(self, delta: Delta) -> Iterator[dict[str, Any]]:
        reasoning = self._reasoning
        if reasoning is None or (delta.begins and reasoning.begun):
            yield from self._make_room()
            reasoning = self._reasoning = OpenReasoning(self._id("rs"), self._place())
            yield reasoning.begin()
        if delta.thinking:
            yield from reasoning.add(delta.thinking)
        if delta.signature:
            reasoning.signature = delta.signature
            reasoning.maker = self.maker

    def _text(self, delta: Delta) -> Iterator[dict[str, Any]]:
        message = yield from self._open_message({})
        if delta.content:
            logprobs, self._logprobs = self._logprobs, []
            yield from message.add("output_text", delta.content, logprobs, begins=delta.begins)
        if delta.refusal:
            yield from message.add("refusal", delta.refusal, begins=delta.begins)

    def _open_message(self, fields: Json) -> Any:
        """Open a message, unless one is open; one with unnamed fields is a new one."""
        if self._message is None or fields:
            yield from self._make_room()
            self._message = OpenMessage(self._id("msg"), self._place(), fields)
            yield self._message.begin()
        return self._message

    def _call(self, piece: ToolCallDelta) -> Iterator[dict[str, Any]]:
        """Write a piece of a call; the pieces of several calls may alternate."""
        if piece.index not in self._calls:
            yield from self._make_room()
            prefix = CALLS[piece.kind][2] if piece.kind in CALLS else "item"
            opened = self._calls[piece.index] = OpenCall(self._id(prefix), self._place(), piece)
            self._open_calls += 1
            yield opened.begin()
        call = self._calls[piece.index]
        if call is not None:
            yield from call.add(piece.arguments)
        elif piece.arguments.strip():
            raise _late_piece(self.maker)

    def _block(self, block: Block) -> Iterator[dict[str, Any]]:
        """Write a whole block; one of another dialect is left out."""
        part = part_of(block)
        if part is not None:
            message = yield from self._open_message(begins_message(block))
            yield from message.add_part(part)
            return
        item: dict[str, Any] | None = None
        if isinstance(block, Thinking):
            item = reasoning_item(self._id("rs"), block, self.maker)
        elif isinstance(block, Opaque):
            item = opaque_item(self._id("item"), block)
        if item is not None:
            yield from self._make_room()
            place = self._place()
            self.items[place] = item
            yield {"type": "response.output_item.added", "output_index": place, "item": item}
            yield {"type": _DONE, "output_index": place, "item": item}

    def _make_room(self) -> Iterator[dict[str, Any]]:
        """Complete the items before the next one; a call with half of its arguments stays open."""
        for item in (self._reasoning, self._message):
            if item is not None:
                yield from self._closed(item, "completed")
        self._reasoning = self._message = None
        # A call after an open one stays open too: clients run calls in the order of their ends.
        index = next(reversed(self._calls), None)
        call = None if index is None or self._open_calls > 1 else self._calls[index]
        if index is not None and call is not None and call.is_complete():
            yield from self._closed(call, "completed")
            self._calls[index] = None
            self._open_calls -= 1

    def close(self, status: str) -> Iterator[dict[str, Any]]:
        """Complete all open items; the status of the response is that of the last one."""
        open_items = [self._reasoning, self._message, *self._calls.values()]
        left: list[OpenItem] = [item for item in open_items if item is not None]
        for number, item in enumerate(left, 1):
            yield from self._closed(item, status if number == len(left) else "completed")
        self._reasoning = self._message = None
        self._calls = dict.fromkeys(self._calls)
        self._open_calls = 0

    def _closed(self, item: OpenItem, status: str) -> Iterator[dict[str, Any]]:
        for event in item.close(status):
            if event["type"] == _DONE:
                self.items[event["output_index"]] = event["item"]
            yield event

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._token}_{len(self.items)}"

    def _place(self) -> int:
        """Take the next place in the output."""
        self.items.append(None)
        return len(self.items) - 1


def _late_piece(maker: str) -> UpstreamError:
    return UpstreamError(f"{maker}: its stream continues a tool call that was complete")
