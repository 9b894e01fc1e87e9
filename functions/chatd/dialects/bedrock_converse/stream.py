"""Read a stream of Bedrock's ConverseStream into frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from pydantic_core import from_json

from chatd.canonical.events import Counted, End, Event, Finish, Frame
from chatd.canonical.extra import Json
from chatd.canonical.response import too_many_blocks, too_many_calls
from chatd.dialects.bedrock_converse import exceptions, reading
from chatd.dialects.bedrock_converse.event_stream import Message, messages
from chatd.dialects.bedrock_converse.open_blocks import OpenBlock, Positions, begun, open_by_delta
from chatd.dialects.failures import malformed
from chatd.dialects.framing import bounded
from chatd.dialects.json_shapes import ShapeError, member, name_in
from chatd.errors import ChatdError, UpstreamError
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS
from chatd.upstream_http import HttpResponse

_SMALL_BYTES = 4096


def frames(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
    """Read a stream to `messageStop`, and the usage in `metadata` after that.

    An event without content, such as `messageStart`, gives no frame: until the first frame another
    model can answer instead.

    Raises:
        ChatdError: If it holds an exception or something else that is no event, or breaks off
            before `messageStop`.

    """
    reader = _Reader(response)
    for message in messages(response, chunks):
        if events := reader.read(message):
            yield Frame(events)
    if not reader.ended:
        yield Frame(reader.end())


class _Reader:
    """Read each message of a stream, and track its content blocks to the stop reason."""

    def __init__(self, response: HttpResponse) -> None:
        self._response = response
        self._open: dict[int, OpenBlock] = {}
        self._blocks = 0
        self._positions = Positions()
        self._finished = self.ended = False

    def read(self, message: Message) -> tuple[Event, ...]:
        """Read a message; one of an unknown type has no events.

        Raises:
            ChatdError: If it is an exception, no event of this dialect, or out of order.

        """
        headers, payload = message
        kind = headers.get(":message-type", "event")
        if kind != "event":
            raise self._exception(message)
        handler = _HANDLERS.get(headers.get(":event-type", ""))
        if handler is None or self.ended:
            return ()
        events: list[Event] = []
        try:
            handler(self, self._parsed(payload), events)
        except ShapeError:
            raise self._malformed() from None
        return tuple(events)

    def end(self) -> tuple[Event, ...]:
        """End a stream without `metadata`, if there was a stop reason.

        Raises:
            UpstreamError: If it has none.

        """
        if not self._finished:
            raise malformed(self._response, "its stream ended without messageStop")
        return (End(),)

    def _exception(self, message: Message) -> ChatdError:
        headers, payload = message
        name = headers.get(":exception-type") or headers.get(":error-code") or ""
        words = headers.get(":error-message") or exceptions.message_of(payload)
        return exceptions.exception(self._response, name, words)

    def _parsed(self, payload: bytes) -> Json:
        text = payload if len(payload) < _SMALL_BYTES else bounded(payload)
        try:
            body = from_json(text)
        except ValueError:
            body = None
        if type(body) is not dict:
            raise ShapeError
        return body

    def _malformed(self) -> UpstreamError:
        return malformed(self._response, "its stream holds an event that is not one")

    def _start_block(self, body: Json, events: list[Event]) -> None:
        index = self._index(body)
        if index in self._open:
            raise ShapeError
        if (opened := begun(member(body, "start"), self._positions)) is not None:
            self._begin(index, opened, events)

    def _add_to_block(self, body: Json, events: list[Event]) -> None:
        """Read a piece of a block; only tool calls have a start before their pieces."""
        index, delta = self._index(body), member(body, "delta")
        if index not in self._open:
            self._begin(index, open_by_delta(delta, self._positions), events)
        if (added := self._open[index].add(delta)) is not None:
            events.append(added)

    def _stop_block(self, body: Json, events: list[Event]) -> None:
        opened = self._open.pop(self._index(body), None)
        if opened is not None and (added := opened.stop()) is not None:
            events.append(added)

    def _stop_message(self, body: Json, events: list[Event]) -> None:
        """Close the open blocks, and end the choice."""
        reason = name_in(body, "stopReason")
        if self._finished or reason is None:
            raise ShapeError
        ends = (opened.stop() for opened in self._open.values())
        events.extend(added for added in ends if added is not None)
        self._open.clear()
        called = self._positions.calls > 0
        found = reading.finish_reason(self._response, reason, called=called)
        self._finished = True
        events.append(Finish(0, found, stop_sequence=reading.stop_sequence(body, reason)))

    def _count(self, body: Json, events: list[Event]) -> None:
        """Read the usage, which comes last."""
        if type(body.get("usage")) is dict:
            events.append(Counted(reading.usage(body["usage"])))
        if self._finished:
            self.ended = True
            events.append(End())

    def _begin(self, index: int, opened: OpenBlock, events: list[Event]) -> None:
        if self._blocks == MAX_PARTS:
            raise too_many_blocks()
        if self._positions.calls > MAX_TOOL_CALLS:
            raise too_many_calls()
        self._blocks += 1
        self._open[index] = opened
        if (added := opened.start()) is not None:
            events.append(added)

    def _index(self, body: Json) -> int:
        """Read the number of a block.

        Raises:
            ShapeError: If it is missing, or `messageStop` came before.

        """
        index = body.get("contentBlockIndex")
        if type(index) is not int or index < 0 or self._finished:
            raise ShapeError
        return index


_HANDLERS: Mapping[str, Callable[[_Reader, Json, list[Event]], None]] = MappingProxyType(
    {
        "contentBlockDelta": _Reader._add_to_block,
        "contentBlockStart": _Reader._start_block,
        "contentBlockStop": _Reader._stop_block,
        "messageStop": _Reader._stop_message,
        "metadata": _Reader._count,
    }
)
