"""Translate Anthropic's Messages API, `/v1/messages`, to and from the canonical form.

https://platform.claude.com/docs/en/api/messages
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.surfaces import ErrorResponse, StreamWriter, Surface, sse
from chatd.surfaces.anthropic_messages.failures import body_of, headers_of, status_of
from chatd.surfaces.anthropic_messages.message import message
from chatd.surfaces.anthropic_messages.request import request_of
from chatd.surfaces.anthropic_messages.schema import AnthropicRequest
from chatd.surfaces.anthropic_messages.stream import END, MessageEvents
from chatd.surfaces.validation import checked

_HELLO: Mapping[str, Any] = {
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "Hello"}],
}
_FORMAT = {"type": "json_schema", "schema": {"type": "object"}}


class AnthropicMessages:
    """Anthropic's surface."""

    examples = (
        _HELLO,
        {**_HELLO, "output_config": {"format": _FORMAT}},
        {**_HELLO, "stream": True},
    )

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:
        """Read a request; of the headers `anthropic-beta` is kept for a provider of this dialect.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        return request_of(headers, checked(body, AnthropicRequest))

    def write(
        self,
        request: ChatRequest,
        response: Response,
        served: Served,
    ) -> Mapping[str, Any]:
        """Write the body of a whole response: a `message`.

        Raises:
            AnswerTooLargeError: If the arguments of its tool calls hold more than 600,000 values.

        """
        return message(response, served.after(*response.failovers), request.model)

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        """Make the writer of a stream."""
        return _Stream(request_id, request.model)

    def is_end(self, piece: bytes) -> bool:
        """Whether this piece is the event `message_stop`."""
        return piece.startswith(END)

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure in Anthropic's shape, with its status for the failure."""
        body = body_of(error, request_id)
        return ErrorResponse(status_of(error), headers_of(error), body)


_: Surface = AnthropicMessages()


class _Stream:
    """Writes the pieces of one stream."""

    def __init__(self, request_id: str, name: str) -> None:
        self._request_id = request_id
        self._name = name

    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        """Write the named events, from `message_start` to `message_stop`.

        Raises:
            AnswerTooLargeError: If the answer has more than 1,024 tool calls.

        """
        events = MessageEvents(served, self._name)
        for frame in frames:
            yield from events.write(frame)

    def fail(self, error: ChatdError) -> bytes:
        """Write a failure as an `error` event, which Anthropic's SDKs raise."""
        return sse.event(body_of(error, self._request_id), "error")
