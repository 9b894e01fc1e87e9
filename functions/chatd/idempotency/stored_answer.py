"""Pack an answer for storage, and unpack a stored answer into a response."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from chatd.aws_lambda.http import Response
from chatd.aws_lambda.streaming import CallerGoneError, Sink, StreamingResponse
from chatd.idempotency import StoredRecord

# A DynamoDB item may take 400 KB, its attributes' names included. The body is stored in base64,
# which takes 4/3 of it, and 8 KB are left for the other attributes.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_MAX_PACKED_BYTES = (400 - 8) * 1024 * 3 // 4
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class StoredAnswer:
    """A stored answer with status 200.

    Attributes:
        headers: The headers of the answer.
        packed: Its body, deflated: DynamoDB charges by the KB, and streams repeat much text.
        streamed: Whether the answer was a stream.

    """

    headers: Mapping[str, str]
    packed: bytes = field(repr=False)
    streamed: bool

    @classmethod
    def of_record(cls, record: StoredRecord) -> StoredAnswer:
        """Read a stored record."""
        return cls(record["headers"], base64.b64decode(record["body"]), record["live"])

    @property
    def record(self) -> StoredRecord:
        """The stored answer as JSON."""
        body = base64.b64encode(self.packed).decode()
        return {"headers": dict(self.headers), "body": body, "live": self.streamed}

    def replayed(self, headers: Mapping[str, str]) -> Response | StreamingResponse:
        """Make the response again, with additional headers."""
        body = zlib.decompress(self.packed)
        if self.streamed:
            return Replay({**self.headers, **headers}, body)
        return Response(200, body.decode(), {**self.headers, **headers})


class PackedBody:
    """Deflate a body piece by piece; drop a body too long to store."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj()
        self._packed: bytearray | None = bytearray()

    def add(self, piece: bytes) -> None:
        """Add a piece of the body."""
        self._append(self._deflate.compress(piece))

    def whole(self) -> bytes | None:
        """Return the whole deflated body, or None if too long; no piece may follow."""
        self._append(self._deflate.flush())
        return None if self._packed is None else bytes(self._packed)

    def _append(self, packed: bytes) -> None:
        if self._packed is not None:
            self._packed += packed
            if len(self._packed) > _MAX_PACKED_BYTES:
                self._packed = None


def stored_answer(response: Response) -> StoredAnswer | None:
    """Pack a whole answer; return None for an answer too long to store."""
    packing = PackedBody()
    packing.add(response.body.encode())
    packed = packing.whole()
    return None if packed is None else StoredAnswer(response.headers, packed, streamed=False)


class Replay:
    """Send a stored stream again, all at once."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        self._headers = headers
        self._body = body

    def write_to(self, sink: Sink) -> None:
        """Write the stream."""
        with suppress(CallerGoneError):
            sink.commit(200, self._headers)
            for start in range(0, len(self._body), _PIECE_BYTES):
                sink.write(self._body[start : start + _PIECE_BYTES])

    def abort(self) -> None:
        """Ignore the call: no upstream is running."""


_CONFORMS: type[StreamingResponse] = Replay
