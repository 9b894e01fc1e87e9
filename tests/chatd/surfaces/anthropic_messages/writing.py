"""Write frames as a stream of Anthropic's Messages surface, and check its order, for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from chatd.canonical.events import Delta, Event, Finish, Frame
from chatd.canonical.response import UpstreamJson
from chatd.canonical.served import Served
from chatd.surfaces import surface
from tests.chatd.surfaces.anthropic_messages.reading import NAME, body, read
from tests.pairs.messages_api import assembled

SERVED = Served("a", "up", "11111111-2222-3333-4444-555555555555")
_EVENT = re.compile(rb"event: (?P<name>.+)\ndata: (?P<data>\{.*\})\n\n")


def pieces(frames: Iterable[Frame], served: Served = SERVED) -> list[bytes]:
    """Write frames; return the pieces."""
    writer = surface(NAME).stream(read(body("Hi", stream=True)), served.request_id)
    return list(writer.write(iter(frames), served))


def events(frames: Iterable[Frame], served: Served = SERVED) -> list[Any]:
    """Write frames; return the JSON of each event, whose name is its type."""
    written = b"".join(pieces(frames, served))
    found = list(_EVENT.finditer(written))
    assert b"".join(one[0] for one in found) == written
    events = [json.loads(one["data"]) for one in found]
    assert [one["name"].decode() for one in found] == [event["type"] for event in events]
    return events


def message(frames: Iterable[Frame], served: Served = SERVED) -> dict[str, Any]:
    """Write frames; return the message that a client assembles, with the order checked."""
    return assembled([(event["type"], event) for event in events(frames, served)])


def frame(*given: Event) -> Frame:
    """Make a frame of another dialect."""
    return Frame(given)


def own(source: dict[str, Any], *given: Event) -> Frame:
    """Make a frame of the same dialect."""
    return Frame(given, UpstreamJson(NAME, json.loads(json.dumps(source))))


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1, "x_usage": 1},
        "container": None,
    },
}


def begins(index: int, **block: Any) -> Frame:
    """Make the frame that begins a block."""
    return own({"type": "content_block_start", "index": index, "content_block": block})


def adds(index: int, kind: str, **delta: Any) -> Frame:
    """Make the frame of a delta."""
    event = Delta(content=delta["text"]) if kind == "text_delta" else Delta()
    given = {"type": kind, **delta}
    return own({"type": "content_block_delta", "index": index, "delta": given}, event)


def ends(index: int) -> Frame:
    """Make the frame that ends a block."""
    return own({"type": "content_block_stop", "index": index})


def finishes(reason: str = "end_turn", **more: Any) -> Frame:
    """Make the frame with the stop reason."""
    delta = {"stop_reason": reason, "stop_sequence": None}
    source = {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}, **more}
    return own(source, Finish(0, "stop"))
