"""Events, streams and whole responses of Bedrock's Converse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.collecting import collected
from chatd.canonical.events import Event, Frame
from chatd.canonical.response import Choice, Response
from chatd.dialects import load_dialect
from chatd.upstream_http import HttpResponse
from tests.chatd.canonical import wire
from tests.support.bedrock import event_stream

DIALECT = load_dialect("bedrock_converse")
OK = HttpResponse(200, {}, b"")
Json = dict[str, Any]
Sent = tuple[str, Json]

START: Sent = ("messageStart", {"role": "assistant"})
USAGE = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}
METADATA: Sent = ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 9}})


def delta(index: int, **piece: Any) -> Sent:
    return "contentBlockDelta", {"delta": piece, "contentBlockIndex": index}


def thought(index: int, **piece: str) -> Sent:
    return delta(index, reasoningContent=piece)


def begun(index: int, name: str = "weather", id_: str = "tooluse_1", **more: Any) -> Sent:
    call = {"toolUseId": id_, "name": name, **more}
    return "contentBlockStart", {"start": {"toolUse": call}, "contentBlockIndex": index}


def closed(index: int) -> Sent:
    return "contentBlockStop", {"contentBlockIndex": index}


def stop(reason: str = "end_turn", **more: Any) -> Sent:
    return "messageStop", {"stopReason": reason, **more}


def body(*events: Sent) -> bytes:
    return b"".join(event_stream.event(*one) for one in events)


def frames(sent: bytes, places: Sequence[int] = ()) -> Iterator[Frame]:
    return DIALECT.events(OK, wire.cut(sent, places))


def events(*sent: Sent) -> list[Event]:
    """Return the canonical events of a stream."""
    return [event for frame in frames(body(*sent)) for event in frame.events]


def streamed(*sent: Sent) -> Response:
    """Return the response that a stream adds up to."""
    return collected(frames(body(*sent)))


def whole(*content: Json, reason: str = "end_turn", **more: Any) -> Json:
    return {
        "output": {"message": {"role": "assistant", "content": list(content)}},
        "stopReason": reason,
        "usage": USAGE,
        "metrics": {"latencyMs": 9},
        **more,
    }


def parsed(given: Any) -> Response:
    """Read a whole response."""
    return DIALECT.parse(HttpResponse(200, {}, json.dumps(given).encode()))


def choice(*content: Json, **more: Any) -> Choice:
    return parsed(whole(*content, **more)).first
