"""No answer in Anthropic's dialect takes more memory than a function of 512 MB has."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatd.conftest import answered_by_dialect
from tests.support.peak import http_event, peak
from tests.support.upstream import Received, Upstream, head, upstream

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak is read from Linux's /proc and reset there"
)
MOST_MB = 300
SIZE = 20 * 1024 * 1024 - 1024
MARK = "the measured request"
WHOLE = '{"type":"message","role":"assistant","stop_reason":"end_turn","content":['
START = '{"type":"message_start","message":{"id":"m"}}'
LISTS = ",".join(["[]"] * 50_000)


def filled(prefix: str, item: str, suffix: str) -> bytes:
    """Return the prefix, as many items as fit, and the suffix."""
    times = (SIZE - len(prefix) - len(suffix)) // (len(item) + 1)
    return (prefix + ",".join([item] * times) + suffix).encode()


def stream(*events: str, times: int = 1) -> bytes:
    """Return a stream that repeats the last event."""
    *first, last = (f"data: {event}\n\n".encode() for event in events)
    return b"".join(first) + last * times


def delta(fields: str) -> str:
    return f'{{"type":"content_block_delta","index":0,"delta":{{{fields}}}}}'


def begin(block: str) -> str:
    return f'{{"type":"content_block_start","index":0,"content_block":{{{block}}}}}'


TEXT = begin('"type":"text","text":""')
SEARCH = begin('"type":"server_tool_use","id":"s","name":"f","input":{}')
SHAPES = {
    "a long text": filled(WHOLE + '{"type":"text","text":"', "word", '"}]}').replace(b",w", b" w"),
    "empty blocks": filled(WHOLE, "{}", "]}"),
    "text blocks": filled(WHOLE, '{"type":"text","text":"a"}', "]}"),
    "citations": filled(WHOLE + '{"type":"text","text":"a","citations":[', "[]", "]}]}"),
    "an input": filled(WHOLE + '{"type":"tool_use","name":"f","input":[', "[]", "]}]}"),
    "an unknown block": filled(WHOLE + '{"type":"novel","x":[', "[]", "]}]}"),
    "held events": stream(START, f'{{"type":"novelty","x":[{LISTS}]}}', times=60),
    "texts with lists": stream(
        START, TEXT, delta(f'"type":"text_delta","text":"a","x":[{LISTS}]'), times=60
    ),
    "citations in a stream": stream(
        START, TEXT, delta(f'"type":"citations_delta","citation":[{LISTS}]'), times=60
    ),
    "opaque input": stream(
        START, SEARCH, delta(f'"type":"input_json_delta","partial_json":"[{LISTS}"'), times=60
    ),
    "opaque deltas": stream(START, SEARCH, delta(f'"type":"novel","x":[{LISTS}]'), times=60),
    "open blocks": stream(START)
    + b"".join(
        b"data: " + TEXT.replace(":0,", f":{n},").encode() + b"\n\n" for n in range(150_000)
    ),
}
CASES = [(name, False) for name in SHAPES] + [
    (name, True) for name, shape in SHAPES.items() if shape.startswith(b"data:")
]


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with upstream(answered_by_dialect) as provider:
        yield provider


@pytest.mark.parametrize(("shape", "streamed"), CASES)
def test_a_hostile_message_takes_less_than_300_mb(
    server: Upstream, tmp_path: Path, shape: str, streamed: bool
) -> None:
    content = SHAPES[shape]
    kind = "text/event-stream" if content.startswith(b"data:") else "application/json"
    headers = {"Content-Length": str(len(content)), "Content-Type": kind}

    def script(connection: socket.socket, received: Received) -> None:
        if MARK.encode() in received.body:
            connection.sendall(head(200, headers) + content)
        else:
            answered_by_dialect(connection, received)

    server.script = script
    turns = [{"role": "user", "content": MARK}]
    body = {"model": "anthropic/claude-opus-5", "messages": turns, "stream": streamed}

    found = peak(server.url, json.dumps(http_event(json.dumps(body))).encode(), tmp_path)

    assert found.status in (200, 502)
    assert found.over < MOST_MB
