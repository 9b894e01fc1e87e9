"""Translate OpenAI's API of completions, `/v1/completions`, to and from the canonical form.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.surfaces import ErrorResponse, StreamWriter, Surface, openai_error, sse
from chatd.surfaces.openai_completions.chunks import Chunks
from chatd.surfaces.openai_completions.completion import completion
from chatd.surfaces.openai_completions.request import request_of
from chatd.surfaces.openai_completions.schema import OpenAICompletionRequest
from chatd.surfaces.openai_failures import as_openai
from chatd.surfaces.validation import checked

_HELLO: Mapping[str, Any] = {"prompt": "Hello"}
# A field that a completion lacks, and that no failure therefore names.
_SCHEMA_FIELD = "response_format"


class OpenAICompletionsSurface:
    """OpenAI's surface of completions."""

    examples = (_HELLO, {**_HELLO, "suffix": "!"}, {**_HELLO, "stream": True})

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:  # noqa: ARG002  # the protocol's
        """Read a request; the headers change nothing.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        return request_of(checked(body, OpenAICompletionRequest))

    def write(
        self,
        request: ChatRequest,  # noqa: ARG002  # the protocol's
        response: Response,
        served: Served,
    ) -> Mapping[str, Any]:
        """Write the body of a whole response: a `text_completion`."""
        return completion(response, served.after(*response.failovers))

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        """Make the writer of a stream, with the usage if the caller wants it."""
        return _Stream(request_id, with_usage=request.stream_usage)

    def is_end(self, piece: bytes) -> bool:
        """Whether this piece is `[DONE]`."""
        return piece == sse.DONE

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure in OpenAI's shape; an unknown model is a 404."""
        return openai_error(as_openai(error, _SCHEMA_FIELD), request_id)


_: Surface = OpenAICompletionsSurface()


class _Stream:
    """Writes the pieces of one stream."""

    def __init__(self, request_id: str, *, with_usage: bool) -> None:
        self._request_id = request_id
        self._with_usage = with_usage

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the chunks, and `[DONE]`."""
        chunks = Chunks(served, with_usage=self._with_usage)
        for frame in frames:
            yield from chunks.write(frame)

    def fail(self, error: ChatdError) -> bytes:
        """Write a failure as the last event, which OpenAI's SDKs raise; no `[DONE]` follows."""
        return sse.event(as_openai(error, _SCHEMA_FIELD).body(self._request_id))
