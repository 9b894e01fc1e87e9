"""Save the response of a stream before the caller gets the last event."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import from_json, to_json

from chatd.canonical.events import Frame
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.stored_responses.saving import ResponseSaver
from chatd.surfaces import StreamWriter, sse

_BEGUN = ("response.created", "response.queued", "response.in_progress")
_COMPLETE = ("response.completed", "response.incomplete")
_ITEMS = ("response.output_item.added", "response.output_item.done")
_FAILED = "response.failed"
# The events with the response object or an item.
_MARKS = tuple([f"event: {name}\n".encode() for name in (*_BEGUN, *_COMPLETE, *_ITEMS, _FAILED)])


class StoredStream:
    """Write a stream whose response is saved.

    Args:
        writer: Writes the stream without a store.
        saver: Saves the response.

    """

    def __init__(self, writer: StreamWriter, saver: ResponseSaver) -> None:
        self._writer = writer
        self._saver = saver
        self._handlers = {
            **dict.fromkeys(_BEGUN, saver.begun),
            **dict.fromkeys(_COMPLETE, saver.saved),
            **dict.fromkeys(_ITEMS, saver.item),
            _FAILED: saver.not_stored,
        }

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the pieces; save the response before the piece with its end."""
        for piece in self._writer.write(frames, served):
            # Most pieces are one event of an item with a unique id.
            if (
                piece.startswith(_MARKS)
                or self._saver.item_ids
                or piece.find(b"\n\n") != len(piece) - 2
            ):
                yield self._rewritten(piece)
            else:
                yield piece

    def fail(self, error: ChatdError) -> bytes:
        """Write a failure as the last piece; a failed response is not stored."""
        return self._rewritten(self._writer.fail(error))

    def _rewritten(self, piece: bytes) -> bytes:
        events = [event + b"\n\n" for event in piece.split(b"\n\n") if event]
        return b"".join([self._event(event) for event in events])

    def _event(self, event: bytes) -> bytes:
        """Write the stored ids into an event; save the response with the last one."""
        if not event.startswith(_MARKS):
            for short, unique in self._saver.item_ids.items():
                event = event.replace(_item_id(short), _item_id(unique))
            return event
        head, _, data = event.partition(b"\ndata: ")
        content, name = from_json(data), head.removeprefix(b"event: ").decode()
        field = "item" if name in _ITEMS else "response"
        if isinstance(content.get(field), dict):
            content[field] = self._handlers[name](content[field])
        return sse.event(content, name)


def _item_id(name: str) -> bytes:
    """Write the field of an event with the id of its item."""
    return b'"item_id":' + to_json(name)


_CONFORMS: type[StreamWriter] = StoredStream
