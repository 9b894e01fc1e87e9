"""Read a stream of Anthropic's Messages into frames.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head
from chatd.canonical.extra import Extra, Json
from chatd.canonical.response import (
    UpstreamJson,
    too_many_blocks,
    too_many_calls,
    too_many_values,
    values_in,
)
from chatd.dialects import lenient
from chatd.dialects.anthropic_messages import reading
from chatd.dialects.anthropic_messages.open_blocks import (
    OpaqueSize,
    OpenBlock,
    Positions,
    open_block,
)
from chatd.dialects.anthropic_messages.reading import DIALECT
from chatd.dialects.failures import error_field, malformed, unlike
from chatd.dialects.framing import data
from chatd.dialects.json_shapes import ShapeError, lenient_text, member, name_in
from chatd.errors import ChatdError
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES
from chatd.upstream_http import HttpResponse

_OF_DELTA = frozenset({"stop_reason", "stop_sequence"})
_OF_MESSAGE_DELTA = frozenset({"type", "delta", "usage"})


def frames(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
    """Read a stream, which ends with `message_stop` or breaks off after its stop reason.

    Frames before the first content are held until it comes: until then another model can answer
    instead. A `ping` with the cost may follow the end
    (https://github.com/anomalyco/opencode, packages/console/app/src/routes/zen).

    Raises:
        ChatdError: If it holds an error or something else that is no event, or breaks off before
            its stop reason.

    """
    reader = _Reader(response)
    for text in data(chunks):
        if reader.ended:
            yield from reader.read_after_end(text)
            continue
        frame = reader.read(text)
        if reader.is_flowing:
            yield frame
        else:
            yield from reader.released(frame)
    if not reader.ended:
        yield reader.end()


class _Reader:
    """Read each event of a stream, and track its content blocks to the stop reason."""

    def __init__(self, response: HttpResponse) -> None:
        self._response = response
        self._id: str | None = None
        self._model: str | None = None
        self._usage: dict[str, Any] = {}
        self._cost: Any = None
        self._is_counted = False
        self._started = self._begun = self._finished = self.ended = False
        self._open: dict[int, OpenBlock] = {}
        self._blocks = 0
        self._positions = Positions()
        self._opaque = OpaqueSize()
        self._held: list[Frame] = []
        self._held_values = 0

    @property
    def is_flowing(self) -> bool:
        """Whether no frame is held any more."""
        return self._begun and not self._held

    def read(self, text: bytes) -> Frame:
        """Read an event; one of an unknown type has no canonical events.

        Raises:
            ChatdError: If it is an error, no event of this dialect, or out of order.

        """
        body = self._parsed(text)
        events: list[Event] = []
        try:
            kind = reading.kind_of(body)
            handler = _HANDLERS.get(kind)
            if handler is not None:
                handler(self, body, events)
        except ShapeError:
            raise self._malformed_event(text) from None
        return Frame(tuple(events), UpstreamJson(DIALECT, body))

    def read_after_end(self, text: bytes) -> Iterator[Frame]:
        """Read the cost of a complete message; skip whatever else follows."""
        try:
            body = from_json(text)
        except ValueError:
            return
        if type(body) is dict and body.get("cost") is not None:
            self._cost = body["cost"]
            yield Frame((self._counted(),))

    def released(self, frame: Frame) -> Iterator[Frame]:
        """Yield the frames that need not be held, in their order.

        Raises:
            AnswerTooLargeError: If the held frames have more than 600,000 JSON values.

        """
        if self._begun:
            yield from self._held
            self._held.clear()
            yield frame
            return
        self._held_values += values_in(frame.source.body) if frame.source else 0
        if self._held_values > MAX_ANSWER_VALUES:
            raise too_many_values()
        self._held.append(frame)

    def end(self) -> Frame:
        """End a stream without `message_stop`, if it has its stop reason.

        Nothing of the message can follow its stop reason. So an answer whose last event alone is
        missing is complete: another attempt would cost the same again.

        Raises:
            UpstreamError: If it has no stop reason.

        """
        if not self._finished:
            raise malformed(self._response, "its stream ended without a stop reason")
        return Frame((self._counted(), End()))

    def _parsed(self, text: bytes) -> dict[str, Any]:
        try:
            body = from_json(text)
        except ValueError:
            body = None
        if type(body) is not dict:
            raise self._malformed_event(text)
        if body.get("type") == "error" or lenient.is_error(body.get("error")):
            raise error_field(self._response, body.get("error"))
        return body

    def _malformed_event(self, text: bytes) -> ChatdError:
        return unlike(self._response, text, "its stream holds an event that is not one")

    def _start_message(self, body: Json, events: list[Event]) -> None:
        if self._started:
            raise ShapeError
        self._started = True
        message = member(body, "message")
        self._id, self._model = name_in(message, "id"), name_in(message, "model")
        # The first counts are not reported: that of the output is a beginning.
        self._usage = reading.later_usage({}, message.get("usage"))
        events.append(Head(self._id, reading.further_of(message, reading.MESSAGE)))

    def _start_block(self, body: Json, events: list[Event]) -> None:
        index = self._index(body)
        if index in self._open:
            raise ShapeError
        if self._blocks == MAX_PARTS:
            raise too_many_blocks()
        self._blocks += 1
        opened = open_block(member(body, "content_block"), self._positions, self._opaque)
        if self._positions.calls > MAX_TOOL_CALLS:
            raise too_many_calls()
        self._open[index] = opened
        self._add(opened.start(), events)

    def _add_to_block(self, body: Json, events: list[Event]) -> None:
        opened = self._open.get(self._index(body))
        if opened is None:
            raise ShapeError
        self._add(opened.add(member(body, "delta")), events)

    def _stop_block(self, body: Json, events: list[Event]) -> None:
        opened = self._open.pop(self._index(body), None)
        if opened is None:
            raise ShapeError
        self._add(opened.stop(), events)

    def _change_message(self, body: Json, events: list[Event]) -> None:
        """Read the stop reason, the cumulative usage and the further fields of the message."""
        self._require_start()
        delta = member(body, "delta")
        self._usage = reading.later_usage(self._usage, body.get("usage"))
        further = [
            reading.further_of(delta, _OF_DELTA),
            reading.further_of(body, _OF_MESSAGE_DELTA),
        ]
        fields = {name: value for one in further if one for name, value in one.fields.items()}
        if fields:
            events.append(Head(self._id, Extra(DIALECT, fields)))
        if reason := name_in(delta, "stop_reason"):
            self._finish(reason, lenient_text(delta, "stop_sequence"), events)
        if type(body.get("usage")) is dict:
            events.append(self._counted())

    def _stop_message(self, body: Json, events: list[Event]) -> None:  # noqa: ARG002  # as above
        self._require_start()
        if not self._finished:
            if not self._begun:
                raise malformed(
                    self._response, "its answer holds neither content nor a stop reason"
                )
            self._finish("end_turn", None, events)
        self.ended = True
        if not self._is_counted:
            events.append(self._counted())
        events.append(End())

    def _ping(self, body: Json, events: list[Event]) -> None:
        if body.get("cost") is not None:
            self._cost = body["cost"]
            events.append(self._counted())

    def _finish(self, reason: str, stop_sequence: str | None, events: list[Event]) -> None:
        """Close the open blocks and end the choice, once."""
        for opened in self._open.values():
            self._add(opened.stop(), events)
        self._open.clear()
        if not self._finished:
            self._finished = self._begun = True
            found = reading.finish_reason(reason, called=self._positions.calls > 0)
            events.append(Finish(0, found, stop_sequence=stop_sequence))

    def _add(self, delta: Delta | None, events: list[Event]) -> None:
        if delta is not None:
            self._begun = True
            events.append(delta)

    def _counted(self) -> Counted:
        self._is_counted = True
        return Counted(reading.usage(self._usage or None, self._cost), self._model)

    def _require_start(self) -> None:
        if not self._started:
            raise ShapeError

    def _index(self, body: Json) -> int:
        """Read the number of a block, between the start of the message and its stop reason.

        Raises:
            ShapeError: If it is missing, or the event is out of order.

        """
        self._require_start()
        index = body.get("index")
        if type(index) is not int or index < 0 or self._finished:
            raise ShapeError
        return index


_HANDLERS: Mapping[str, Callable[[_Reader, Json, list[Event]], None]] = MappingProxyType(
    {
        "content_block_delta": _Reader._add_to_block,
        "content_block_start": _Reader._start_block,
        "content_block_stop": _Reader._stop_block,
        "message_start": _Reader._start_message,
        "message_delta": _Reader._change_message,
        "message_stop": _Reader._stop_message,
        "ping": _Reader._ping,
    }
)
