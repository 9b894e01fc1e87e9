"""What is kept of an answer, and the answer made of it again.

It knows bytes and headers, and neither where they are kept nor what they say.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from chatd.aws_lambda.http import Response
from chatd.aws_lambda.streaming import CallerGoneError, Sink, StreamingResponse
from chatd.idempotency import Record

# A DynamoDB item may take 400 KB, its attributes' names included; the body is three quarters of
# what base64 makes of it, and 8 KB are for what is kept beside it.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_LONGEST = (400 - 8) * 1024 * 3 // 4
_PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """An answer with status 200.

    Attributes:
        headers: The answer's own.
        packed: Its body, deflated: DynamoDB charges by the KB, and streams repeat themselves.
        live: Whether it was a stream.

    """

    headers: Mapping[str, str]
    packed: bytes = field(repr=False)
    live: bool

    @classmethod
    def of_record(cls, record: Record) -> Kept:
        """Read what `record` wrote."""
        return cls(record["headers"], base64.b64decode(record["body"]), record["live"])

    @property
    def record(self) -> Record:
        """The same, as JSON."""
        body = base64.b64encode(self.packed).decode()
        return {"headers": dict(self.headers), "body": body, "live": self.live}

    def again(self, headers: Mapping[str, str]) -> Response | StreamingResponse:
        """The same answer, with further headers."""
        body = zlib.decompress(self.packed)
        if self.live:
            return Replay({**self.headers, **headers}, body)
        return Response(200, body.decode(), {**self.headers, **headers})


class Packing:
    """A body that is deflated as it comes, and forgotten once it is too long to be kept."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj()
        self._packed: bytearray | None = bytearray()

    def add(self, piece: bytes) -> None:
        """Take a piece of the body."""
        self._append(self._deflate.compress(piece))

    def whole(self) -> bytes | None:
        """All of it, deflated, or None if that is too long; nothing may be added after."""
        self._append(self._deflate.flush())
        return None if self._packed is None else bytes(self._packed)

    def _append(self, packed: bytes) -> None:
        if self._packed is not None:
            self._packed += packed
            if len(self._packed) > _LONGEST:
                self._packed = None


def of_response(response: Response) -> Kept | None:
    """What is kept of a whole answer, or None if it is too long."""
    packing = Packing()
    packing.add(response.body.encode())
    packed = packing.whole()
    return None if packed is None else Kept(response.headers, packed, live=False)


class Replay:
    """A stream that is sent once more, all of it at once."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        self._headers = headers
        self._body = body

    def write_to(self, sink: Sink) -> None:
        """Send it."""
        with suppress(CallerGoneError):
            sink.commit(200, self._headers)
            for start in range(0, len(self._body), _PIECE):
                sink.write(self._body[start : start + _PIECE])

    def abort(self) -> None:
        """Nothing is being made that could be stopped."""


_CONFORMS: type[StreamingResponse] = Replay
