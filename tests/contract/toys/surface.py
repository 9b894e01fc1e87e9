"""A small surface for the tests: its own request, response, error and named events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chatd.canonical.content import Text
from chatd.canonical.events import Delta, End, Frame
from chatd.canonical.request import ChatRequest, Message
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import ChatdError, InvalidRequestError
from chatd.surfaces import ErrorResponse, StreamWriter, Surface, sse

_HELLO = {"say": "Hello"}


class Toy:
    """The toy surface."""

    examples = (_HELLO, {**_HELLO, "object": True}, {**_HELLO, "stream": True})

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:
        sent = json.loads(body)
        if "say" not in sent:
            raise InvalidRequestError("'say' is missing", param="say")
        words = f"{sent['say']}{headers.get('x-toy-mark', '')}"
        return ChatRequest(
            model=sent["model"],
            messages=(Message("user", (Text(words),)),),
            format="json" if sent.get("object") else None,
            stream=bool(sent.get("stream")),
        )

    def write(self, request: ChatRequest, response: Response, served: Served) -> Mapping[str, Any]:
        return {"heard": response.first.content, "from": served.provider}

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        return _Stream()

    def is_end(self, piece: bytes) -> bool:
        return piece.startswith(b"event: end")

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        return ErrorResponse(422, {"x-toy-id": request_id}, {"oops": error.code})


_: Surface = Toy()


class _Stream:
    def write(self, frames: Iterator[Frame], served: Served) -> Iterator[bytes]:
        for event in (event for frame in frames for event in frame.events):
            if isinstance(event, Delta) and event.content:
                yield sse.event({"word": event.content}, "word")
            elif isinstance(event, End):
                yield sse.event({}, "end")

    def fail(self, error: ChatdError) -> bytes:
        return sse.event({"oops": error.code}, "oops")
