"""Read requests and write answers of OpenAI's Responses surface, for the tests beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from chatd.canonical.events import Counted, End, Event, Finish, Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response, UpstreamJson, Usage
from chatd.canonical.served import Served
from chatd.surfaces import StreamWriter
from chatd.surfaces.openai_responses.surface import OpenAIResponses

ID = "resp_request1"
COUNTED = Counted(Usage(3, 5), "m-1")


def read(**fields: Any) -> ChatRequest:
    """Read a request with these fields besides the model and the input."""
    body = {"model": "m", "input": "Hi", **fields}
    return OpenAIResponses().read({}, json.dumps(body).encode())


def items(*given: Any) -> ChatRequest:
    """Read a request with these items."""
    return read(input=list(given))


def whole(response: Response, request: ChatRequest | None = None) -> dict[str, Any]:
    """Write a whole response of `p/m`."""
    served = Served("p", "m", "request-1")
    return dict(OpenAIResponses().write(request or read(), response, served))


def writer(request: ChatRequest | None = None) -> StreamWriter:
    """Make the writer of a stream."""
    return OpenAIResponses().stream(request or read(stream=True), "request-1")


def events_of(pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    """Read the pieces of a stream as a client does."""
    events = []
    for piece in b"".join(pieces).decode().removesuffix("\n\n").split("\n\n"):
        name, data = piece.split("\ndata: ", 1)
        events.append(json.loads(data))
        assert name == f"event: {events[-1]['type']}"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def streamed(frames: Iterable[Frame], request: ChatRequest | None = None) -> list[dict[str, Any]]:
    """Write a stream of `p/m`, and read its events."""
    return events_of(writer(request).write(iter(frames), Served("p", "m", "request-1")))


def frames(*events: Event, reason: str = "stop") -> list[Frame]:
    """Make a stream with a frame for each event, and its end."""
    last = (Finish(0, reason), COUNTED, End())
    return [Frame((event,)) for event in (*events, *last)]


def forwarded(*bodies: dict[str, Any], events: Iterable[Event] = ()) -> list[Frame]:
    """Make frames that came in the surface's own dialect; all but the last without events."""
    sources = [UpstreamJson("openai_responses", body) for body in bodies]
    *before, last = sources
    return [*(Frame((), source) for source in before), Frame(tuple(events), last)]


def kinds(events: Iterable[dict[str, Any]]) -> list[str]:
    """Return the types of events, without their common beginning."""
    return [event["type"].removeprefix("response.") for event in events]
