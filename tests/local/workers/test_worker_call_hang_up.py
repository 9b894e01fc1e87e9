"""A caller that hangs up frees its worker and its provider, streamed or not."""

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
    is_running,
    release,
    until,
)
from tests.local.test_idempotency import CHAT, PATH, STACK, once, workers
from tests.support import answers
from tests.support.upstream import Received, Upstream, reply, upstream

# In a chat's log line; the code is in a metric's line as well.
CANCELLED = '"error.type": "client_closed"'


class Silent:
    """A provider that answers nobody until it is told to, and counts who has hung up on it."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.closed = threading.Semaphore(0)
        self.speaks = threading.Event()

    def script(self, connection: socket.socket, received: Received) -> None:
        if not received.body or self.speaks.is_set():
            reply(answers.ollama_chat())(connection, received)
            return
        self.asked.release()
        connection.settimeout(PATIENCE)
        if connection.recv(1) == b"":
            self.closed.release()

    def wait_for(self, what: threading.Semaphore, number: int) -> None:
        for _ in range(number):
            assert what.acquire(timeout=PATIENCE)


@pytest.fixture
def silent() -> Silent:
    return Silent()


@pytest.fixture
def ollama(silent: Silent) -> Iterator[Upstream]:
    with upstream(silent.script) as server:
        yield server


@pytest.fixture
def running(start: Start, ollama: Upstream) -> Gateway:
    # No limit of time ends a silent chat within the test's patience: Ollama's silence is 120 s.
    return start(*STACK, OLLAMA_URL=ollama.url, CHATD_CONFIG="/dev/null")


def begin(
    gateway: Gateway, headers: Mapping[str, str], body: Mapping[str, Any] = CHAT
) -> http.client.HTTPConnection:
    """A connection on which a chat was asked for and nothing is read."""
    connection = gateway.connect()
    connection.request("POST", PATH, json.dumps(body), dict(headers))
    return connection


def answer_of_key(gateway: Gateway) -> Answer:
    """The answer of the request with the key, as soon as none is in flight."""
    found: list[Answer] = []

    def answered() -> bool:
        found.append(once(gateway))
        assert found[-1].status in (200, 409)
        return found[-1].status == 200

    until(answered, "the answer")
    return found[-1]


@pytest.mark.parametrize("stream", [False, True])
def test_as_many_hung_up_chats_as_there_are_workers_hold_up_nobody(
    running: Gateway, silent: Silent, stream: bool
) -> None:
    connections = [begin(running, {}, {**CHAT, "stream": stream}) for _ in range(8)]
    silent.wait_for(silent.asked, 8)
    before = workers(running)
    for connection in connections:
        connection.close()
    silent.wait_for(silent.closed, 8)
    silent.speaks.set()
    healthy = running.ask("POST", PATH, CHAT)

    assert healthy.status == 200
    assert len(before) == 8
    assert workers(running) == before  # they were cancelled, not killed
    assert "Traceback" not in running.output_text
    until(lambda: running.output_text.count(CANCELLED) == 8, "the lines of the chats")


def test_a_hung_up_chat_with_a_key_is_cancelled_and_its_key_is_free(
    running: Gateway, silent: Silent
) -> None:
    connection = begin(running, {"Idempotency-Key": "one"})
    silent.wait_for(silent.asked, 1)
    connection.close()
    silent.wait_for(silent.closed, 1)
    silent.speaks.set()

    answer = answer_of_key(running)

    assert "x-chatd-idempotency" not in answer.headers


def test_a_hung_up_chat_goes_on_while_another_caller_waits_for_its_answer(
    start: Start,
) -> None:
    asked, going = threading.Event(), threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        if received.body:
            asked.set()
            going.wait(PATIENCE)
        reply(answers.ollama_chat())(connection, received)

    with upstream(script) as ollama:
        gateway = start(*STACK, OLLAMA_URL=ollama.url, CHATD_CONFIG="/dev/null")
        ollama.received.clear()
        connection = begin(gateway, {"Idempotency-Key": "one"})
        assert asked.wait(PATIENCE)
        other = once(gateway)
        connection.close()
        # The front reads what comes in by turns: after these, it has read the hang-up.
        assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
        still = once(gateway)
        going.set()
        replayed = answer_of_key(gateway)

    assert (other.code, still.code) == ("idempotency_key_in_flight",) * 2
    assert replayed.headers["x-chatd-idempotency"] == "replayed"
    assert len(ollama.received) == 1


def test_a_hung_up_chat_is_cancelled_when_the_others_have_given_up_too(
    running: Gateway, silent: Silent
) -> None:
    connection = begin(running, {"Idempotency-Key": "one"})
    silent.wait_for(silent.asked, 1)
    other = once(running)
    connection.close()
    assert other.code == "idempotency_key_in_flight"

    silent.wait_for(silent.closed, 1)
    silent.speaks.set()
    assert answer_of_key(running).status == 200


def test_an_awaited_call_that_turns_out_to_be_a_stream_is_cancelled(
    gateway: Gateway, rendezvous: Rendezvous
) -> None:
    body = json.dumps({"do": "late_stream", "pour": "until_aborted_early", "port": rendezvous.port})
    connections, waiting = [], []
    for _ in range(2):
        connections.append(gateway.connect())
        connections[-1].request("POST", "/act", body, {"Idempotency-Key": "one"})
        waiting.append(rendezvous.wait_for(2))
    connections[0].close()
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    (first, inside), (second, also_inside) = waiting
    release([inside, also_inside])
    told = everything(first)  # of the one that hung up, while the other goes on
    connections[1].close()

    assert told == everything(second) == b"waits aborted gone "


def everything(handler: socket.socket) -> bytes:
    """All that a handler tells the test."""
    told = b""
    with handler:
        handler.settimeout(PATIENCE)
        while more := handler.recv(64):
            told += more
    return told


def test_another_callers_same_key_does_not_keep_a_hung_up_chat_going(
    running: Gateway, silent: Silent
) -> None:
    connections = [
        begin(running, {"Idempotency-Key": "one", "x-api-key": caller}) for caller in ("a", "b")
    ]
    silent.wait_for(silent.asked, 2)
    connections[0].close()

    silent.wait_for(silent.closed, 1)
    connections[1].close()


def test_a_killed_workers_key_is_free_at_once(
    running: Gateway, silent: Silent, in_background: InBackground
) -> None:
    first = in_background(lambda: once(running))
    silent.wait_for(silent.asked, 1)
    for worker in workers(running):
        os.kill(worker, signal.SIGKILL)
    died = first()
    silent.speaks.set()

    assert (died.status, died.code) == (502, "worker_crashed")
    assert once(running).status == 200


def test_a_plain_answer_that_does_not_stop_is_ended_after_its_grace(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = gateway.connect()
    connection.request("POST", "/act", '{"do": "hang"}')
    # It is served by turns: once this is answered, the worker has the one before.
    assert gateway.ask("GET", "/nowhere").status == 404
    connection.close()

    assert gateway.worker() != before
    assert not is_running(before)
    assert "ScriptedFunction went on for 3 s after its caller had gone" in gateway.output_text


def test_a_caller_that_hangs_up_while_its_worker_starts_is_never_served(
    start: Start, rendezvous: Rendezvous, in_background: InBackground, tmp_path: Path
) -> None:
    source = Path(SCRIPTED[3], "scripted_handler.py").read_text()
    (tmp_path / "scripted_handler.py").write_text(
        f"{source}\n"
        "if os.path.exists(os.environ['SLOW']):\n"
        "    with socket.create_connection(('127.0.0.1', int(os.environ['MEETING']))) as host:\n"
        "        host.recv(16)\n"
    )
    slow = tmp_path / "slow"
    gateway = start(
        *(*SCRIPTED[:2], "--code", str(tmp_path)),
        CHATD_WORKERS="1",
        SLOW=str(slow),
        MEETING=str(rendezvous.port),
    )
    slow.touch()
    os.kill(first := gateway.worker(), signal.SIGKILL)
    until(lambda: not is_running(first), "the worker's end")
    impatient = gateway.connect()
    impatient.request("POST", "/act", f'{{"do": "wait", "port": {rendezvous.port}}}')
    waiting = rendezvous.wait_for(1)  # the new worker, which is still being imported
    impatient.close()
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    last = in_background(lambda: gateway.run_action("report"))
    release(waiting)

    assert last().status == 200  # by the worker that was started for the one who hung up
    assert rendezvous.none_waiting()
    assert "Traceback" not in gateway.output_text
