"""No answer of a provider takes more memory than a function of 512 MB has."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatd.safe_json.value_count import MAX_ANSWER_VALUES
from tests.chatd.conftest import answered_by_dialect
from tests.support.peak import http_event, peak
from tests.support.upstream import Received, head, upstream

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the peak is read from Linux's /proc and reset there"
)
MOST_MB = 300
SIZE = 20 * 1024 * 1024 - 1024
LINE = 8 * 1024 * 1024 - 1024
DEEP = "[" * 150 + "]" * 150
MARK = "the measured request"


def filled(prefix: str, item: str, suffix: str, size: int = SIZE, most: int = sys.maxsize) -> bytes:
    """Return the prefix, up to `most` items and the suffix, in at most `size` bytes."""
    room = size - len(prefix) - len(suffix)
    times = min(most, room // (len(item.encode()) + 1))
    return (prefix + ",".join([item] * times) + suffix).encode()


def streamed(event: str, size: int = SIZE) -> bytes:
    """Return a stream of about `size` bytes that repeats one event, with an end."""
    end = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    times = size // (len(event.encode()) + 8)
    return (f"data: {event}\n\n" * times + f"data: {end}\n\ndata: [DONE]\n\n").encode()


WHOLE = '{"choices":[{"index":0,"finish_reason":"stop","message":{"content":'
HI = WHOLE + '"Hi"'
LOGPROBS = HI + '},"logprobs":{"content":['
CHUNK = '{"choices":[{"index":0,"delta":{"content":"a","x":['
OLLAMA = '{"done":false,"message":{"content":"a"},"logprobs":['
CALLS = '{"choices":[{"delta":{"tool_calls":[{"index":%d,"id":"c","function":{"name":"f"}}]}}]}'
KIMI = {
    "a long text": filled(WHOLE + '"', "word", '😀"}}]}').replace(b",", b" "),
    "empty choices": filled('{"choices":[', "{}", "]}"),
    "tool calls": filled(HI + ',"tool_calls":[', '{"id":"a","function":{"name":"f"}}', "]}}]}"),
    "parts": filled(WHOLE + "[", "{}", "]}}]}"),
    "deep log probabilities": filled(LOGPROBS, DEEP, "]}}]}"),
    "deep log probabilities within the cap": filled(
        LOGPROBS, DEEP, "]}}]}", most=MAX_ANSWER_VALUES // 152
    ),
    "an unknown field": filled('{"x":[', "[]", "]," + HI[1:] + "}}]}"),
    "a long event": filled("data: " + CHUNK, "[]", "]}}]}\n\n", LINE)
    + streamed(CHUNK + "]}}]}", 1),
    "events with lists": streamed(CHUNK + ",".join(["[]"] * 60_000) + "]}}]}"),
    "many choices": b"".join(
        b'data: {"choices":[{"index":%d,"delta":{"content":"a"}}]}\n\n' % n for n in range(300_000)
    ),
    "many calls": "".join(f"data: {CALLS % n}\n\n" for n in range(150_000)).encode(),
}
END = b'{"done":true,"message":{"content":""}}\n'
LOCAL = {
    "a long line": filled(OLLAMA, "{}", "]}\n", LINE) + END,
    "lines with lists": (OLLAMA + ",".join(['{"a":1}'] * 20_000) + "]}\n").encode() * 90 + END,
    "many calls": (
        b'{"done":false,"message":{"tool_calls":[{"function":{"name":"f","arguments":{}}}]}}\n'
        * 200_000
        + END
    ),
}


@dataclass(slots=True)
class Hostile:
    """A provider that answers the measured request with these bytes, and others by dialect."""

    url: str = ""
    content: bytes = b""

    def __call__(self, connection: socket.socket, received: Received) -> None:
        if MARK.encode() not in received.body:
            answered_by_dialect(connection, received)
            return
        kind = "text/event-stream" if self.content.startswith(b"data:") else "application/json"
        length = str(len(self.content))
        headers = {"Content-Length": length, "Content-Type": kind}
        connection.sendall(head(200, headers) + self.content)


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    script = Hostile()
    with upstream(script) as server:
        script.url = server.url
        yield script


CASES = [
    *(("kimi/k3", shape, False) for shape in KIMI),
    *(("kimi/k3", shape, True) for shape in KIMI if KIMI[shape].startswith(b"data:")),
    *(("m", shape, stream) for shape in LOCAL for stream in (False, True)),
]


@pytest.mark.parametrize(("model", "shape", "stream"), CASES)
def test_a_hostile_answer_takes_less_than_300_mb(
    hostile: Hostile, tmp_path: Path, model: str, shape: str, stream: bool
) -> None:
    hostile.content = (LOCAL if model == "m" else KIMI)[shape]
    body = {"model": model, "messages": [{"role": "user", "content": MARK}], "stream": stream}

    found = peak(hostile.url, json.dumps(http_event(json.dumps(body))).encode(), tmp_path)

    assert found.status in (200, 502)
    assert found.over < MOST_MB
    if shape.endswith("within the cap"):
        assert found.status == 200
        assert found.error == ""
