"""Save the response of a stream before the caller gets the last event."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic_core import from_json

from chatd.canonical.events import Frame
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.stored_responses.saving import ResponseSaver
from chatd.surfaces import StreamWriter, sse

_BEGUN = ("response.created", "response.queued", "response.in_progress")
_COMPLETE = ("response.completed", "response.incomplete")
# The events with the response object.
_MARKS = tuple([f"event: {name}\n".encode() for name in (*_BEGUN, *_COMPLETE, "response.failed")])


class StoredStream:
    """Write a stream whose response is saved.

    Args:
        writer: Writes the stream without a store.
        saver: Saves the response.

    """

    def __init__(self, writer: StreamWriter, saver: ResponseSaver) -> None:
        self._writer = writer
        self._saver = saver

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the pieces; save the response before the piece with its end."""
        for piece in self._writer.write(frames, served):
            # Most pieces are one event without the response object.
            if piece.startswith(_MARKS) or piece.find(b"\n\n") != len(piece) - 2:
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
        """Save and mark the response object of an event; return another event as it is."""
        if not event.startswith(_MARKS):
            return event
        name, _, data = event.partition(b"\ndata: ")
        content = from_json(data)
        body = content["response"]
        if content["type"] in _COMPLETE:
            content["response"] = self._saver.saved(body)
        elif content["type"] in _BEGUN:
            content["response"] = self._saver.begun(body)
        else:
            content["response"] = self._saver.not_stored(body)
        return sse.event(content, name.removeprefix(b"event: ").decode())


_CONFORMS: type[StreamWriter] = StoredStream
