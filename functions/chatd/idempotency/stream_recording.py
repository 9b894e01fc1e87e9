"""Record a stream while sending, and store a complete one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Protocol

from chatd.aws_lambda.streaming import Sink, StreamingResponse
from chatd.idempotency.stored_answer import PackedBody, StoredAnswer

# The headers are sent before the outcome is known; readers of events skip comments.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
_NOT_STORED = b": idempotency not-stored\n\n"


class KeyClaim(Protocol):
    """A key that a request holds."""

    def keep(self, answer: StoredAnswer | None) -> bool:
        """Store the answer; None stands for one too long. Return whether an answer is stored."""

    def release(self) -> None:
        """Release the key, unless an answer is stored."""


class RecordedStream:
    """Store a streaming response that reaches its end.

    Args:
        stream: The streaming response.
        claim: The claimed key.
        is_end_mark: Whether a piece is the end mark of the stream.

    """

    def __init__(
        self, stream: StreamingResponse, claim: KeyClaim, is_end_mark: Callable[[bytes], bool]
    ) -> None:
        self._stream = stream
        self._claim = claim
        self._is_end_mark = is_end_mark

    def write_to(self, sink: Sink) -> None:
        """Write the stream; release the key if the stream failed, broke off or lost its caller."""
        try:
            self._stream.write_to(_RecordingSink(sink, self._claim, self._is_end_mark))
        finally:
            self._claim.release()

    def abort(self) -> None:
        """Stop the stream: the caller hung up."""
        self._stream.abort()


class _RecordingSink:
    """Record the stream, and store the record before the end mark is sent.

    A caller that has read the end may repeat the request at once, and gets the stored answer.
    """

    def __init__(self, sink: Sink, claim: KeyClaim, is_end_mark: Callable[[bytes], bool]) -> None:
        self._sink = sink
        self._claim = claim
        self._is_end_mark = is_end_mark
        self._headers: Mapping[str, str] = {}
        self._packing = PackedBody()

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        if status != HTTPStatus.OK:
            # Before the status: a caller that repeats a failed request must not find it in flight.
            self._claim.release()
        self._headers = headers
        self._sink.commit(status, headers)

    def write(self, data: bytes) -> None:
        if not data.startswith(b":"):  # a comment concerns this connection alone
            self._packing.add(data)
            if self._is_end_mark(data) and not self._claim.keep(self._recorded()):
                self._sink.write(_NOT_STORED)
        self._sink.write(data)

    def _recorded(self) -> StoredAnswer | None:
        packed = self._packing.whole()
        return None if packed is None else StoredAnswer(self._headers, packed, streamed=True)


_CONFORMS: type[StreamingResponse] = RecordedStream
