"""A hang-up frees the worker and the provider, for plain and streamed answers."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import (
    PATIENCE,
    SCRIPTED,
    Answer,
    Gateway,
    InBackground,
    Rendezvous,
    Start,
    exists,
    is_running,
    release,
    until,
)
from tests.local.test_idempotency import CHAT, PATH, STACK, ask_with_key, workers
from tests.support import answers
from tests.support.upstream import Received, Upstream, reply, upstream

# Only in the log line of a chat; the code is also in a metric's line.
CANCELLED = '"error.type": "client_closed"'


class SilentProvider:
    """A provider that sends no answer until `may_answer` is set, and counts hang-ups."""

    def __init__(self) -> None:
        self.requests = threading.Semaphore(0)
        self.closed = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def script(self, connection: socket.socket, received: Received) -> None:
        if not received.body or self.may_answer.is_set():
            reply(answers.ollama_chat())(connection, received)
            return
        self.requests.release()
        connection.settimeout(PATIENCE)
        if connection.recv(1) == b"":
            self.closed.release()

    def wait_for(self, counter: threading.Semaphore, number: int) -> None:
        for _ in range(number):
            assert counter.acquire(timeout=PATIENCE)


@pytest.fixture
def silent() -> SilentProvider:
    return SilentProvider()


@pytest.fixture
def ollama(silent: SilentProvider) -> Iterator[Upstream]:
    with upstream(silent.script) as server:
        yield server


@pytest.fixture
def running(start: Start, ollama: Upstream) -> Gateway:
    # No limit of time ends a silent chat during a test: the silence limit of Ollama is 120 s.
    return start(*STACK, OLLAMA_URL=ollama.url, CHATD_CONFIG="/dev/null")


def begin(
    gateway: Gateway, headers: Mapping[str, str], body: Mapping[str, Any] = CHAT
) -> http.client.HTTPConnection:
    """A connection on which a chat is sent and no response is read."""
    connection = gateway.connect()
    connection.request("POST", PATH, json.dumps(body), dict(headers))
    return connection


def answer_of_key(gateway: Gateway) -> Answer:
    """The answer of the request with the key, when no request is in flight."""
    found: list[Answer] = []

    def answered() -> bool:
        found.append(ask_with_key(gateway))
        assert found[-1].status in (200, 409)
        return found[-1].status == 200

    until(answered, "the answer")
    return found[-1]


@pytest.mark.parametrize("stream", [False, True])
def test_eight_cancelled_chats_free_all_eight_workers(
    running: Gateway, silent: SilentProvider, stream: bool
) -> None:
    connections = [begin(running, {}, {**CHAT, "stream": stream}) for _ in range(8)]
    silent.wait_for(silent.requests, 8)
    before = workers(running)
    for connection in connections:
        connection.close()
    silent.wait_for(silent.closed, 8)
    silent.may_answer.set()
    healthy = running.ask("POST", PATH, CHAT)

    assert healthy.status == 200
    assert len(before) == 8
    assert workers(running) == before  # the workers were not killed
    assert "Traceback" not in running.output_text
    until(lambda: running.output_text.count(CANCELLED) == 8, "the log lines of the chats")


def test_a_hang_up_cancels_a_chat_with_a_key_and_frees_the_key(
    running: Gateway, silent: SilentProvider
) -> None:
    connection = begin(running, {"Idempotency-Key": "one"})
    silent.wait_for(silent.requests, 1)
    connection.close()
    silent.wait_for(silent.closed, 1)
    silent.may_answer.set()

    answer = answer_of_key(running)

    assert "x-chatd-idempotency" not in answer.headers


def test_a_chat_continues_after_a_hang_up_while_a_duplicate_waits(
    start: Start,
) -> None:
    received_request, may_answer = threading.Event(), threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        if received.body:
            received_request.set()
            may_answer.wait(PATIENCE)
        reply(answers.ollama_chat())(connection, received)

    with upstream(script) as ollama:
        gateway = start(*STACK, OLLAMA_URL=ollama.url, CHATD_CONFIG="/dev/null")
        ollama.received.clear()
        connection = begin(gateway, {"Idempotency-Key": "one"})
        assert received_request.wait(PATIENCE)
        other = ask_with_key(gateway)
        connection.close()
        # The server reads its connections in turn: after these responses, it has read the hang-up.
        assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
        still = ask_with_key(gateway)
        may_answer.set()
        replayed = answer_of_key(gateway)

    assert (other.code, still.code) == ("idempotency_key_in_flight",) * 2
    assert replayed.headers["x-chatd-idempotency"] == "replayed"
    assert len(ollama.received) == 1


def test_a_chat_is_cancelled_when_no_duplicate_arrives_for_10_s(
    running: Gateway, silent: SilentProvider
) -> None:
    connection = begin(running, {"Idempotency-Key": "one"})
    silent.wait_for(silent.requests, 1)
    other = ask_with_key(running)
    connection.close()
    assert other.code == "idempotency_key_in_flight"

    silent.wait_for(silent.closed, 1)
    silent.may_answer.set()
    assert answer_of_key(running).status == 200


def test_a_request_with_duplicates_is_cancelled_when_its_answer_is_streamed(
    gateway: Gateway, rendezvous: Rendezvous
) -> None:
    body = json.dumps(
        {"do": "late_stream", "script": "until_aborted_before_head", "port": rendezvous.port}
    )
    connections, waiting = [], []
    for _ in range(2):
        connections.append(gateway.connect())
        connections[-1].request("POST", "/act", body, {"Idempotency-Key": "one"})
        waiting.append(rendezvous.wait_for(2))
    connections[0].close()
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    (first, inside), (second, also_inside) = waiting
    release([inside, also_inside])
    received = everything(first)  # the first was cancelled while the second continues
    connections[1].close()

    assert received == everything(second) == b"waits aborted noticed "


def everything(handler: socket.socket) -> bytes:
    """All bytes that a handler sends to the test."""
    received = b""
    with handler:
        handler.settimeout(PATIENCE)
        while more := handler.recv(64):
            received += more
    return received


def test_the_same_key_of_another_caller_does_not_keep_a_cancelled_chat_running(
    running: Gateway, silent: SilentProvider
) -> None:
    connections = [
        begin(running, {"Idempotency-Key": "one", "x-api-key": caller}) for caller in ("a", "b")
    ]
    silent.wait_for(silent.requests, 2)
    connections[0].close()

    silent.wait_for(silent.closed, 1)
    connections[1].close()


def test_the_key_of_a_killed_worker_is_free_at_once(
    running: Gateway, silent: SilentProvider, in_background: InBackground
) -> None:
    first = in_background(lambda: ask_with_key(running))
    silent.wait_for(silent.requests, 1)
    for worker in workers(running):
        os.kill(worker, signal.SIGKILL)
    crashed = first()
    silent.may_answer.set()

    assert (crashed.status, crashed.code) == (502, "worker_crashed")
    assert ask_with_key(running).status == 200


def test_a_worker_that_ignores_a_cancellation_is_killed_after_3_s(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = gateway.connect()
    connection.request("POST", "/act", '{"do": "hang"}')
    # Requests are read in turn: after this response, a worker runs the request above.
    assert gateway.ask("GET", "/nowhere").status == 404
    connection.close()

    assert gateway.worker() != before
    assert not is_running(before)
    assert "ScriptedFunction continued for 3 s after its caller hung up" in gateway.output_text


def test_a_request_whose_caller_hangs_up_during_the_workers_start_is_never_run(
    start: Start, rendezvous: Rendezvous, in_background: InBackground, tmp_path: Path
) -> None:
    source = Path(SCRIPTED[3], "scripted_handler.py").read_text()
    (tmp_path / "scripted_handler.py").write_text(
        f"{source}\n"
        "if os.path.exists(os.environ['SLOW']):\n"
        "    with socket.create_connection(('127.0.0.1', int(os.environ['RENDEZVOUS']))) as host:\n"
        "        host.recv(16)\n"
    )
    slow = tmp_path / "slow"
    gateway = start(
        *(*SCRIPTED[:2], "--code", str(tmp_path)),
        CHATD_WORKERS="1",
        SLOW=str(slow),
        RENDEZVOUS=str(rendezvous.port),
    )
    slow.touch()
    os.kill(first := gateway.worker(), signal.SIGKILL)
    until(lambda: not exists(first), "the end of the worker")
    cancelled = gateway.connect()
    cancelled.request("POST", "/act", f'{{"do": "wait", "port": {rendezvous.port}}}')
    waiting = rendezvous.wait_for(1)  # the new worker, which still imports the handler
    cancelled.close()
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    last = in_background(lambda: gateway.run_action("report"))
    release(waiting)

    assert last().status == 200  # by the worker that was started for the cancelled request
    assert rendezvous.none_waiting()
    assert "Traceback" not in gateway.output_text
