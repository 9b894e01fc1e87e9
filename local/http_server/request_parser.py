"""Parse HTTP/1.1 requests with h11, within limits of head and chunk sizes."""

from __future__ import annotations

from typing import Any

import h11

# Bytes of a request's head; API Gateway takes 10,240 bytes of headers.
_MAX_HEAD = 16 * 1024
# Beyond this number of chunks, their average size must be at least so many bytes.
_CHUNKS, _CHUNK_BYTES = 1000, 16


class RequestParser(h11.Connection):
    """Extend h11's parser by a minimum chunk size: parsing a chunk takes 10 µs at any size."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, _MAX_HEAD)
        self._chunks = self._bytes = 0

    def next_event(self) -> Any:
        """Return the next event.

        Raises:
            RemoteProtocolError: If the peer violates HTTP, or the average of more than 1,000 chunks
                is less than 16 bytes.

        """
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > _CHUNKS and self._bytes < self._chunks * _CHUNK_BYTES:
                raise h11.RemoteProtocolError("the chunks are too small")
        elif isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        return event
