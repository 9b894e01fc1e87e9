"""Chats without a stream are cancelled from another thread."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import chat.app
from chatd.call import Call
from chatd.deadline import Deadline
from chatd.errors import CallCancelledError, ChatdError
from chatd.resilience.circuit_breaker import FAILURES
from chatd.surfaces import surface
from tests.support import answers
from tests.support.functions import ask, post
from tests.support.upstream import Received, Upstream, chunked, head, raw, reply, then_close

if TYPE_CHECKING:
    from tests.chatd.conftest import Emitted

pytestmark = pytest.mark.usefixtures("keys")


class Chat:
    """Run a chat without a stream in a thread."""

    def __init__(self, model: str, content: str = "Say hello.") -> None:
        self.call = Call("r", Deadline.after(60))
        self.error: ChatdError | None = None
        self._body = json.dumps(ask(model, content)).encode()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> bool:
        """Return whether the chat ends within 10 s."""
        self._thread.join(10)
        return not self._thread.is_alive()

    def _run(self) -> None:
        gateway, native = chat.app.compose().gateway, surface("native")
        request = gateway.read(native, {}, lambda: self._body, self.call)
        try:
            gateway.chat(native, request, self.call)
        except ChatdError as error:
            self.error = error


@pytest.fixture
def requested(provider: Upstream) -> threading.Event:
    """Return an event that is set when the provider, which stays silent, has the request."""
    requested = threading.Event()

    def script(connection: socket.socket, _received: Received) -> None:
        requested.set()
        connection.recv(1)

    provider.script = script
    return requested


def test_a_cancelled_chat_closes_its_connection_at_once(
    provider: Upstream, requested: threading.Event, emitted: Callable[[], Emitted]
) -> None:
    closed = threading.Event()

    def script(connection: socket.socket, _received: Received) -> None:
        requested.set()
        if connection.recv(1) == b"":
            closed.set()

    provider.script = script
    running = Chat("llama3.2")
    assert requested.wait(10)
    running.call.cancel()

    assert running.join()
    assert closed.wait(10)
    assert isinstance(running.error, CallCancelledError)
    assert (running.error.status, running.error.code) == (499, "client_closed")
    output = emitted()
    assert [line["error.type"] for line in output.log] == ["client_closed"]
    assert [metric["Kind"] for metric in output.metrics] == ["client_closed"]
    assert len(provider.received) == 1


def test_cancelled_chats_open_no_circuit(
    provider: Upstream, requested: threading.Event, config: Path
) -> None:
    config.write_text('[tiers]\nt = ["ollama/a"]')  # a named model has a circuit of its own
    for number in range(FAILURES + 1):
        requested.clear()
        running = Chat("t", f"text {number}")
        assert requested.wait(10)
        running.call.cancel()
        assert running.join()
    provider.script = chunked(answers.stream_for_path("/api/chat"), "application/x-ndjson")

    assert post(ask("t")).status == 200


def test_a_cancelled_chat_does_not_fall_back(
    provider: Upstream, requested: threading.Event, config: Path
) -> None:
    config.write_text('[tiers]\nt = ["ollama/a", "kimi/k3"]')
    running = Chat("t")
    assert requested.wait(10)
    running.call.cancel()

    assert running.join()
    assert len(provider.received) == 1


def test_a_cancel_ends_the_wait_before_a_retry(provider: Upstream) -> None:
    requested = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        reply({"error": "busy"}, 503, {"Retry-After": "4"})(connection, received)
        requested.set()

    provider.script = script
    running = Chat("llama3.2")
    assert requested.wait(10)
    running.call.cancel()

    assert running.join()
    assert isinstance(running.error, CallCancelledError)
    assert len(provider.received) == 1


def test_a_call_cancelled_before_its_start_sends_no_request(provider: Upstream) -> None:
    call = Call("r", Deadline.after(60))
    gateway, native = chat.app.compose().gateway, surface("native")
    request = gateway.read(native, {}, lambda: json.dumps(ask("llama3.2")).encode(), call)
    call.cancel()

    with pytest.raises(CallCancelledError):
        gateway.chat(native, request, call)
    assert provider.received == []


def test_the_tokens_of_a_broken_whole_answer_are_estimated(
    provider: Upstream, config: Path, emitted: Callable[[], Emitted]
) -> None:
    config.write_text("[providers.ollama]\nupstream_stream = true")
    provider.script = then_close(
        raw(head(200, {"Connection": "close"}) + answers.ollama_lines("Hello")[0])
    )

    assert post(ask("llama3.2")).status == 502
    (line,) = emitted().log
    assert (line["gen_ai.usage.output_tokens"], line["chatd.usage_estimated"]) == (2, True)


def test_an_attempt_that_begins_during_a_cancel_is_cancelled() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(500):
            call = Call("r", Deadline.after(60))
            broken_off, ready = threading.Event(), threading.Barrier(2)

            def cancel(call: Call = call, ready: threading.Barrier = ready) -> None:
                ready.wait(10)
                call.cancel()

            thread = threading.Thread(target=cancel)
            thread.start()
            ready.wait(10)
            call.on_cancel(broken_off.set)
            thread.join(10)
            assert broken_off.is_set()
    finally:
        sys.setswitchinterval(interval)
