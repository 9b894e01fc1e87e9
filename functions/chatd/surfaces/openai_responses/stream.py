"""Write the events of a stream of OpenAI's Responses surface.

A frame that came in this dialect is forwarded as the upstream's own JSON (forwarding.py), until
another model takes over. Any other frame is written from its events.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head
from chatd.canonical.extra import Json, fields_for
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import FailedOver, Usage
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.surfaces import sse
from chatd.surfaces.openai_responses.failure import failure
from chatd.surfaces.openai_responses.forwarding import Forwarding
from chatd.surfaces.openai_responses.output import maker_of
from chatd.surfaces.openai_responses.output_writer import OutputWriter
from chatd.surfaces.openai_responses.parts import DIALECT
from chatd.surfaces.openai_responses.response import ResponseObject, ending, own, usage


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
        self._output = OutputWriter(self._object.token, "")
        self._usage = Usage()
        self._reason: str | None = None
        self._extra: Json = {}
        self._forwarding: Forwarding | None = None
        self._begun = self._ended = False

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the events; those of one frame are one piece, and the last event is its own."""
        self._served = served
        self._object.created, self._object.model = served.created, served.model
        self._output.maker = maker_of(served)
        self._forwarding = Forwarding(self._object, maker_of(served))
        for frame in frames:
            source = own(frame.source)
            if source is not None and self._forwarding is not None:
                yield from self._forwarded(source.body, frame)
                continue
            pieces: list[bytes] = []
            for event in frame.events:
                if (
                    type(event) is Delta
                    and (further := self._output.further_text(event)) is not None
                ):
                    pieces.append(self._piece(further))  # nearly every event
                else:
                    pieces += map(self._piece, self._event(event))
            if pieces:
                yield b"".join(pieces)
            if not self._ended and any(type(event) is End for event in frame.events):
                yield self._end()

    def fail(self, error: ChatdError) -> bytes:
        """Write `response.failed`, with the complete items before it."""
        if self._forwarding is not None:
            self._output.take_over(self._forwarding.items())
        fields = {"error": failure(error, self._request_id), "usage": None}
        if self._served.rescued is not None:
            fields["rescued"] = self._served.rescued
        response = self._object.of("failed", self._output.complete, **fields)
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
        self._ended = forwarding.ended
        if pieces:
            self._begun = True
            *before, last = pieces
            if before:
                yield b"".join(before)
            yield last

    def _event(self, event: Event) -> Iterator[dict[str, Any]]:
        match event:
            case Delta():
                if event.index == 0:
                    yield from self._begin()
                    yield from self._output.write(event)
            case Finish():
                if event.index == 0:
                    yield from self._begin()
                    self._reason = event.reason
                    yield from self._output.close(ending(event.reason)[0])
            case Head():
                self._extra = fields_for(DIALECT, event.extra)
            case Counted():
                self._count(event)
            case FailedOver():
                self._take_over()
                self._served = self._served.after(event)
                self._output.maker = maker_of(self._served)
            case End():
                if not self._ended:
                    yield from self._begin()

    def _begin(self) -> Iterator[dict[str, Any]]:
        self._take_over()
        if not self._begun:
            self._begun = True
            for kind in ("response.created", "response.in_progress"):
                yield {"type": kind, "response": self._object.of("in_progress", [], **self._extra)}

    def _take_over(self) -> None:
        """Go on with the items that were forwarded."""
        if self._forwarding is not None:
            self._output.take_over(self._forwarding.items())
            self._forwarding = None

    def _end(self) -> bytes:
        self._ended = True
        status, details = ending(self._reason)
        fields = {**self._extra, "usage": usage(self._usage), "incomplete_details": details}
        if self._served.rescued is not None:
            fields["rescued"] = self._served.rescued
        response = self._object.of(status, self._output.complete, **fields)
        return self._piece({"type": f"response.{status}", "response": response})

    def _count(self, event: Counted) -> None:
        self._usage = event.usage
        if event.model is not None and self._served.rescued is None:
            self._object.model = event.model
