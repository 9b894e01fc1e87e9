"""Share streams and failures between OpenAI's surfaces of chats and of completions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.surfaces import ErrorResponse, StreamWriter, openai_error, sse
from chatd.surfaces.openai_failures import as_openai


class ChunkWriter(Protocol):
    """Write the chunks of one stream.

    Args:
        served: The provider and model that answer.
        with_usage: Whether the caller wants the tokens counted.

    """

    def __init__(self, served: Served, *, with_usage: bool) -> None:
        """Begin a stream."""

    def write(self, frame: Frame) -> Iterable[bytes]:
        """Write a frame: nothing, a chunk, or several."""


class ChunkedSurface:
    """Write the streams and failures of a surface.

    Attributes:
        chunks: The writer of the surface's chunks.
        schema_field: The API's field for the JSON Schema of the answer.

    """

    chunks: type[ChunkWriter]
    schema_field: str

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        """Make the writer of a stream, with the usage if the caller wants it."""
        return _Stream(self, request_id, with_usage=request.stream_usage)

    def is_end(self, piece: bytes) -> bool:
        """Whether this piece is `[DONE]`."""
        return piece == sse.DONE

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure in OpenAI's shape; an unknown model is a 404."""
        return openai_error(as_openai(error, self.schema_field), request_id)


class _Stream:
    """Writes the pieces of one stream."""

    def __init__(self, surface: ChunkedSurface, request_id: str, *, with_usage: bool) -> None:
        self._surface = surface
        self._request_id = request_id
        self._with_usage = with_usage

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the chunks, and `[DONE]`."""
        chunks = self._surface.chunks(served, with_usage=self._with_usage)
        for frame in frames:
            yield from chunks.write(frame)

    def fail(self, error: ChatdError) -> bytes:
        """Write a failure as the last event, which OpenAI's SDKs raise; no `[DONE]` follows."""
        return sse.event(as_openai(error, self._surface.schema_field).body(self._request_id))
