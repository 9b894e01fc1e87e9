"""The provider's limits count only while the gateway waits for the provider."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import pytest

import chat.app
from chatd.aws_lambda.streaming import StreamingResponse
from chatd.config.provider import Timeouts
from chatd.deadline import Deadline
from chatd.errors import UpstreamTimeoutError
from chatd.resilience.circuit_breaker import FAILURES
from chatd.transport import stream_timeouts as module
from chatd.transport.http_client import Urllib3Transport
from chatd.transport.http_stream import Urllib3Stream
from chatd.upstream_http import HttpRequest
from tests.support import answers
from tests.support.functions import LambdaContext, ask, http_event, stream
from tests.support.upstream import Received, Upstream, chunked, head, raw, then_close, upstream

# Each chat has a text of its own, as failures of one request alone open no circuit.
TEXTS = (f"text {number}" for number in count())
GAP = 0.4
PAUSE = 3 * GAP
LIMITS = Timeouts(silence=5, first_event=5, gap=GAP, total=30)


def open_stream(server: Upstream, limits: Timeouts = LIMITS) -> Urllib3Stream:
    request = HttpRequest(server.url, {}, b"{}")
    return Urllib3Transport().open(request, Deadline.after(30), limits, lambda _: None)


def test_a_pause_of_the_caller_does_not_count_as_a_gap() -> None:
    with upstream(chunked([b"one", b"two"])) as server:
        stream = open_stream(server)
        chunks = stream.chunks()
        got = next(chunks)
        stream.note_first_event()
        time.sleep(PAUSE)
        got += b"".join(chunks)
        stream.close()

    assert got == b"onetwo"


def test_a_gap_after_a_pause_of_the_caller_counts() -> None:
    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + b"one")
        server.going.wait()

    with upstream(script) as server:
        stream = open_stream(server)
        chunks = stream.chunks()
        assert next(chunks) == b"one"
        stream.note_first_event()
        time.sleep(PAUSE)
        with pytest.raises(UpstreamTimeoutError):
            next(chunks)
        stream.close()


def test_a_pause_after_the_end_mark_keeps_the_rest_of_the_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_DRAIN_SECONDS", GAP)
    with upstream(chunked([b"end", b"usage"])) as server:
        stream = open_stream(server)
        chunks = stream.chunks()
        got = next(chunks)
        stream.note_first_event()
        stream.note_end()
        time.sleep(PAUSE)
        got += b"".join(chunks)
        stream.close()

    assert got == b"endusage"


class SlowSink:
    """Take longer than the gap limit to read the first piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        assert status == 200

    def write(self, data: bytes) -> None:
        if not self.pieces:
            time.sleep(PAUSE)
        self.pieces.append(data)


def read_slowly() -> bytes:
    """Return the body that a slow caller of the tier `t` reads."""
    body = json.dumps({**ask("t", next(TEXTS)), "stream": True})
    live: StreamingResponse = chat.app.lambda_handler(
        http_event("POST", "/v1/chat", body), LambdaContext()
    )
    sink = SlowSink()
    live.write_to(sink)
    return b"".join(sink.pieces)


def test_slow_callers_open_no_circuit(provider: Upstream, config: Path) -> None:
    config.write_text(f"""
[tiers]
t = ["ollama/a"]
[providers.ollama.timeouts]
gap = {GAP}
""")
    words = [f"{n} " for n in range(20)]
    provider.script = chunked(answers.ollama_lines(*words), "application/x-ndjson")

    bodies: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: bodies.append(read_slowly())) for _ in range(FAILURES + 1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert [b'"done":true' in body.replace(b" ", b"") for body in bodies] == [True] * len(threads)


@pytest.mark.parametrize("encoding", [{"Transfer-Encoding": "chunked"}, {"Connection": "close"}])
def test_a_provider_that_closes_on_a_slow_caller_keeps_its_circuit_closed(
    encoding: dict[str, str], provider: Upstream, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLOW_CALLER_SECONDS", PAUSE / 2)
    config.write_text('[tiers]\nt = ["ollama/a"]')  # a named model has a circuit of its own
    line = answers.ollama_lines("Hello")[0]
    piece = b"%x\r\n%s\r\n" % (len(line), line) if "Connection" not in encoding else line

    def closes(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, encoding) + piece)
        connection.shutdown(socket.SHUT_RDWR)

    provider.script = closes
    threads = [threading.Thread(target=read_slowly) for _ in range(FAILURES + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    provider.script = chunked(answers.ollama_lines("Hello"), "application/x-ndjson")

    assert stream(ask("t")).status == 200


def test_a_provider_that_closes_on_fast_callers_opens_its_circuit(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nt = ["ollama/a"]')
    provider.script = raw(head(200, {"Connection": "close"}) + answers.ollama_lines("Hello")[0])
    provider.script = then_close(provider.script)

    statuses = [stream(ask("t", next(TEXTS))).status for _ in range(FAILURES + 1)]

    assert statuses == [200] * FAILURES + [503]


def test_a_slow_provider_does_not_mark_the_caller_as_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLOW_CALLER_SECONDS", PAUSE)

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + b"one")
        server.going.wait(2 * PAUSE)
        connection.sendall(b"two")
        connection.shutdown(socket.SHUT_RDWR)

    with upstream(script) as server:
        stream = open_stream(server)
        got = b"".join(stream.chunks())
        slow = stream.caller_was_slow
        stream.close()

    assert (got, slow) == (b"onetwo", False)
