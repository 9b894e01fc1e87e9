"""Each piece is sent before the provider's next piece, and a silence is filled with comments."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from chatd.aws_lambda import streaming
from tests.support import answers
from tests.support.chat_streams import StepSink, start_stream
from tests.support.functions import ask, stream
from tests.support.upstream import Received, Upstream, chunked, head

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


def test_a_piece_is_sent_before_the_provider_sends_the_next(provider: Upstream) -> None:
    sink = StepSink()
    lines = answers.ollama_lines("one", "two", "three")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        for line in lines:
            connection.sendall(line)
            if b'"done": false' in line:
                assert sink.arrived.acquire(timeout=10)
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    thread = start_stream(ask("m"), sink)
    thread.join(30)

    assert not thread.is_alive()
    assert sink.pieces[-1] == b"data: [DONE]\n\n"


def test_a_silence_commits_the_status_and_is_filled_with_comments(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.05,))
    sink = StepSink()
    lines = answers.ollama_lines("Hello")

    def script(connection: socket.socket, received: Received) -> None:
        for _ in range(3):
            assert sink.arrived.acquire(timeout=10)
        chunked(lines)(connection, received)

    provider.script = script
    start_stream(ask("m"), sink).join(30)

    assert sink.status == 200
    assert sink.pieces[:3] == [b": keep-alive\n\n"] * 3
    assert sink.pieces[-1] == b"data: [DONE]\n\n"


def test_a_gzipped_stream_is_decoded_piece_by_piece(provider: Upstream) -> None:
    sink = StepSink()
    packer = zlib.compressobj(wbits=31)
    lines = answers.ollama_lines("one", "two")

    def script(connection: socket.socket, _received: Received) -> None:
        names = {"Content-Encoding": "gzip", "Connection": "close"}
        connection.sendall(head(200, names))
        for line in lines:
            packed = packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)
            connection.sendall(packed)
            if b'"done": false' in line:
                assert sink.arrived.acquire(timeout=10)
        connection.sendall(packer.flush())
        connection.shutdown(socket.SHUT_WR)

    provider.script = script
    start_stream(ask("m"), sink).join(30)

    assert b"two" in b"".join(sink.pieces)
    assert sink.pieces[-1] == b"data: [DONE]\n\n"


def test_a_stream_is_recorded_after_its_last_byte(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    stream(ask("m"))

    output = emitted()
    (blob,), (line,) = output.metrics, output.log
    assert (blob["InputTokens"], blob["OutputTokens"]) == (11, 7)
    assert line["gen_ai.response.finish_reasons"] == ["stop"]
    assert line["chatd.first_event_ms"] <= line["chatd.upstream_ms"]
