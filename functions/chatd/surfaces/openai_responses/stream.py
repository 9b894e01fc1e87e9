"""Write the events of a stream of OpenAI's Responses surface.

A frame that came in this dialect is forwarded as the upstream's own JSON (forwarding.py), until
another model takes over. Any other frame is written from its events.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatd.canonical.content import Block, Opaque, Thinking
from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head, ToolCallDelta
from chatd.canonical.extra import Json, fields_for
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import FailedOver, Usage
from chatd.canonical.served import Served
from chatd.errors import ChatdError, UpstreamError
from chatd.surfaces import sse
from chatd.surfaces.openai_responses.failure import failure
from chatd.surfaces.openai_responses.forwarding import Forwarding
from chatd.surfaces.openai_responses.items import DIALECT
from chatd.surfaces.openai_responses.open_items import (
    OpenCall,
    OpenItem,
    OpenMessage,
    OpenReasoning,
)
from chatd.surfaces.openai_responses.output import (
    CALLS,
    annotations_of,
    begins_message,
    logprobs_of,
    maker_of,
    opaque_item,
    part_of,
    reasoning_item,
)
from chatd.surfaces.openai_responses.response import ResponseObject, ending, own, usage

_DONE = "response.output_item.done"


class ResponseStream:
    """Writes one stream.

    Args:
        request: The request.
        request_id: The invocation's id.

    """

    def __init__(self, request: ChatRequest, request_id: str) -> None:
        self._request_id = request_id
        self._object = ResponseObject(request, request_id)
        self._served = Served("", request.model, request_id)
        self._sequence = 0
        self._output: list[dict[str, Any] | None] = []  # None: an item that is open
        self._message: OpenMessage | None = None
        self._reasoning: OpenReasoning | None = None
        self._calls: dict[int, OpenCall | None] = {}  # None: a complete one
        self._open_calls = 0
        # What came before the text that it belongs to.
        self._logprobs: list[Any] = []
        self._annotations: list[Any] = []
        self._usage = Usage()
        self._reason: str | None = None
        self._extra: Json = {}
        self._forwarding: Forwarding | None = None
        self._begun = self._ended = False

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the events; those of one frame are one piece, and the last event is its own."""
        self._served = served
        self._object.created, self._object.model = served.created, served.model
        self._forwarding = Forwarding(self._object, maker_of(served))
        for frame in frames:
            source = own(frame.source)
            if source is not None and self._forwarding is not None:
                yield from self._forwarded(source.body, frame)
                continue
            pieces: list[bytes] = []
            for event in frame.events:
                if type(event) is Delta and (further := self._further_text(event)) is not None:
                    pieces.append(self._piece(further))  # nearly every event
                else:
                    pieces += map(self._piece, self._event(event))
            if pieces:
                yield b"".join(pieces)
            if not self._ended and any(type(event) is End for event in frame.events):
                yield self._end()

    def fail(self, error: ChatdError) -> bytes:
        """Write `response.failed`, with the complete items before it."""
        complete = [item for item in self._items() if item is not None]
        fields = {"error": failure(error, self._request_id), "usage": None}
        if self._served.rescued is not None:
            fields["rescued"] = self._served.rescued
        response = self._object.of("failed", complete, **fields)
        return self._piece({"type": "response.failed", "response": response})

    def _piece(self, event: dict[str, Any]) -> bytes:
        """Number an event, and write it."""
        kind: str = event["type"]
        event["sequence_number"] = self._sequence
        self._sequence += 1
        return sse.event(event, kind)

    def _forwarded(self, body: dict[str, Any], frame: Frame) -> Iterator[bytes]:
        """Write an event of an upstream that speaks this dialect."""
        forwarding = self._forwarding
        if forwarding is None or forwarding.ended:
            return
        for event in frame.events:
            if type(event) is Counted:
                self._count(event)
        pieces = [self._piece(event) for event in forwarding.write(body, self._usage)]
        self._begun, self._ended = True, forwarding.ended
        if pieces:
            *before, last = pieces
            if before:
                yield b"".join(before)
            yield last

    def _event(self, event: Event) -> Iterator[dict[str, Any]]:
        match event:
            case Delta():
                if event.index == 0:
                    yield from self._begin()
                    yield from self._delta(event)
            case Finish():
                if event.index == 0:
                    yield from self._begin()
                    self._reason = event.reason
                    yield from self._close(ending(event.reason)[0])
            case Head():
                self._extra = fields_for(DIALECT, event.extra)
            case Counted():
                self._count(event)
            case FailedOver():
                self._take_over()
                self._served = self._served.after(event)

    def _begin(self) -> Iterator[dict[str, Any]]:
        self._take_over()
        if not self._begun:
            self._begun = True
            for kind in ("response.created", "response.in_progress"):
                yield {"type": kind, "response": self._object.of("in_progress", [], **self._extra)}

    def _take_over(self) -> None:
        """Go on with the items that were forwarded."""
        forwarding = self._forwarding
        if forwarding is None:
            return
        self._forwarding = None
        self._output, self._message, self._reasoning = forwarding.items()

    def _delta(self, delta: Delta) -> Iterator[dict[str, Any]]:
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

    def _further_text(self, delta: Delta) -> dict[str, Any] | None:
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
            reasoning.maker = maker_of(self._served)

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
            raise _late_piece(self._served)

    def _block(self, block: Block) -> Iterator[dict[str, Any]]:
        """Write a whole block; one of another dialect is left out."""
        part = part_of(block)
        if part is not None:
            message = yield from self._open_message(begins_message(block))
            yield from message.add_part(part)
            return
        item: dict[str, Any] | None = None
        if isinstance(block, Thinking):
            item = reasoning_item(self._id("rs"), block, maker_of(self._served))
        elif isinstance(block, Opaque):
            item = opaque_item(self._id("item"), block)
        if item is not None:
            yield from self._make_room()
            place = self._place()
            self._output[place] = item
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

    def _close(self, status: str) -> Iterator[dict[str, Any]]:
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
                self._output[event["output_index"]] = event["item"]
            yield event

    def _end(self) -> bytes:
        self._ended = True
        status, details = ending(self._reason)
        fields = {**self._extra, "usage": usage(self._usage), "incomplete_details": details}
        if self._served.rescued is not None:
            fields["rescued"] = self._served.rescued
        response = self._object.of(status, [item for item in self._items() if item], **fields)
        return self._piece({"type": f"response.{status}", "response": response})

    def _items(self) -> list[dict[str, Any] | None]:
        return self._output if self._forwarding is None else self._forwarding.items()[0]

    def _count(self, event: Counted) -> None:
        self._usage = event.usage
        if event.model is not None and self._served.rescued is None:
            self._object.model = event.model

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{self._object.token}_{len(self._output)}"

    def _place(self) -> int:
        """Take the next place in the output."""
        self._output.append(None)
        return len(self._output) - 1


def _late_piece(served: Served) -> UpstreamError:
    return UpstreamError(
        f"{served.provider}: its stream continues a tool call that was complete",
        provider=served.provider,
    )
