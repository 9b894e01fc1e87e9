"""A stream that is kept while it is sent.

It knows pieces, comments and ends, and nothing of what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from chatd.aws_lambda.streaming import Sink, StreamingResponse
from chatd.idempotency.stored_answer import Kept, Packing

# The headers are gone by the time this is known; who reads events passes over a comment.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
_NOT_STORED = b": idempotency not-stored\n\n"


class Hold(Protocol):
    """A key that a request has taken."""

    def keep(self, answer: Kept | None) -> bool:
        """Keep an answer, unless it is too long, which is None; whether it is kept."""

    def release(self) -> None:
        """Let the key go, if no answer was kept."""


class Recorded:
    """A live answer that is kept if it comes to its end, and only then.

    Args:
        live: The answer in the making.
        hold: Keeps it.
        ends: Whether a piece says that the stream is whole.

    """

    def __init__(self, live: StreamingResponse, hold: Hold, ends: Callable[[bytes], bool]) -> None:
        self._live = live
        self._hold = hold
        self._ends = ends

    def write_to(self, sink: Sink) -> None:
        """Make the answer and send it; what failed, died or lost its caller lets the key go."""
        try:
            self._live.write_to(_Recorder(sink, self._hold, self._ends))
        finally:
            self._hold.release()

    def abort(self) -> None:
        """Stop making it: the caller is gone."""
        self._live.abort()


class _Recorder:
    """Takes note of what passes, and keeps it before its end is sent.

    Whoever has read the end can ask again at once, and is answered from what was kept.
    """

    def __init__(self, sink: Sink, hold: Hold, ends: Callable[[bytes], bool]) -> None:
        self._sink = sink
        self._hold = hold
        self._ends = ends
        self._headers: Mapping[str, str] = {}
        self._packing = Packing()

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        if status != HTTPStatus.OK:
            self._hold.release()  # first, or who hears of the failure and asks again is in flight
        self._headers = headers
        self._sink.commit(status, headers)

    def write(self, data: bytes) -> None:
        if not data.startswith(b":"):  # a comment is for this connection alone
            self._packing.add(data)
            if self._ends(data) and not self._hold.keep(self._kept()):
                self._sink.write(_NOT_STORED)
        self._sink.write(data)

    def _kept(self) -> Kept | None:
        packed = self._packing.whole()
        return None if packed is None else Kept(self._headers, packed, live=True)


_CONFORMS: type[StreamingResponse] = Recorded
