"""A caller that hangs up ends the stream of the provider."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatd.aws_lambda import streaming
from chatd.aws_lambda.streaming import CallerGoneError
from chatd.transport.http_stream import Urllib3Stream
from tests.support import answers
from tests.support.chat_streams import StepSink, start_stream, streaming_response
from tests.support.functions import ask
from tests.support.upstream import Received, Upstream, head, reply, silent

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


class HangsUpAtFirstPiece(StepSink):
    """Hang up after the first piece."""

    def write(self, data: bytes) -> None:
        super().write(data)
        raise CallerGoneError


class HangsUpInSilence(StepSink):
    """Hang up while the provider is silent."""

    def write(self, data: bytes) -> None:
        raise CallerGoneError


def test_a_caller_that_hangs_up_ends_the_providers_stream(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    closed = threading.Event()

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + answers.ollama_lines("Hello")[0])
        if connection.recv(1) == b"":
            closed.set()

    provider.script = script
    start_stream(ask("m"), HangsUpAtFirstPiece()).join(30)

    (line,) = emitted().log
    assert closed.wait(10)
    assert line["error.type"] == "client_closed"
    assert (line["gen_ai.usage.output_tokens"], line["chatd.usage_estimated"]) == (2, True)


def test_a_caller_that_hangs_up_ends_the_stream_of_a_fallback(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nt = ["ollama/a", "openrouter/b"]')
    closed = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        if received.path == "/api/chat":
            reply({"error": "no credit"}, 402)(connection, received)
            return
        first = b"".join(answers.openai_chunks("Hello")[:2])
        chunk = b"%x\r\n%s\r\n" % (len(first), first)
        connection.sendall(head(200, {"Transfer-Encoding": "chunked"}) + chunk)
        if connection.recv(1) == b"":
            closed.set()

    provider.script = script
    gc.collect()
    gc.disable()  # the collector would close leaked streams
    try:
        start_stream(ask("t"), HangsUpAtFirstPiece()).join(30)
        left = [stream for stream in gc.get_objects() if isinstance(stream, Urllib3Stream)]
    finally:
        gc.enable()

    assert closed.wait(10)
    assert left == []


def test_an_abort_ends_a_silent_providers_stream_at_once(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    requested = threading.Event()

    def script(connection: socket.socket, _received: Received) -> None:
        requested.set()
        silent(provider)(connection, _received)

    provider.script = script
    answer = streaming_response(ask("m"))
    thread = threading.Thread(target=answer.write_to, args=(StepSink(),))
    thread.start()
    assert requested.wait(10)
    answer.abort()
    thread.join(10)

    assert not thread.is_alive()
    assert emitted().log[0]["error.type"] == "client_closed"


def test_a_failed_comment_ends_the_providers_stream(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch, emitted: Callable[[], Emitted]
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.05,))
    provider.script = silent(provider)
    thread = start_stream(ask("m"), HangsUpInSilence())
    thread.join(10)

    assert not thread.is_alive()
    assert emitted().log[0]["error.type"] == "client_closed"
