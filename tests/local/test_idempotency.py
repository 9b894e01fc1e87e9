"""All workers share the answers by Idempotency-Key; with the handlers of the stack."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import (
    PATIENCE,
    ROOT,
    Answer,
    Gateway,
    InBackground,
    Start,
    exists,
    until,
)
from tests.support import answers
from tests.support.functions import ask
from tests.support.upstream import Received, Upstream, chunked, reply, upstream

STACK = ("--template", str(ROOT / "template.yaml"), "--code", str(ROOT / "functions"))
CHAT = ask("llama3.2")
PATH = "/v1/chat/completions"


@pytest.fixture
def ollama() -> Iterator[Upstream]:
    def script(connection: socket.socket, received: Received) -> None:
        if received.body and received.json.get("stream"):
            chunked(answers.stream_for_path(received.path))(connection, received)
        else:
            reply(answers.ollama_chat())(connection, received)

    with upstream(script) as server:
        yield server


@pytest.fixture
def running(start: Start, ollama: Upstream, tmp_path: Path) -> Gateway:
    (tmp_path / "temporary").mkdir()
    gateway = start(
        *STACK,
        OLLAMA_URL=ollama.url,
        CHATD_CONFIG="/dev/null",
        TMPDIR=str(tmp_path / "temporary"),
    )
    ollama.received.clear()  # of the requests of the start
    return gateway


def ask_with_key(gateway: Gateway, body: dict[str, Any] = CHAT) -> Answer:
    return gateway.ask("POST", PATH, body, {"Idempotency-Key": "one"})


def workers(gateway: Gateway) -> list[int]:
    """The process ids of the workers of the chat function."""
    listed = subprocess.run(
        # -ww: without it, ps may cut each line after 80 characters, before the handler's name.
        ["ps", "-ww", "-A", "-o", "pid=,ppid=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [
        int(pid)
        for pid, parent, arguments in lines
        if int(parent) == gateway.process.pid and "chat.app.lambda_handler" in arguments
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_a_worker_replays_an_answer_of_another_worker(
    running: Gateway, ollama: Upstream, stream: bool
) -> None:
    body = {**CHAT, "stream": stream}
    first = ask_with_key(running, body)
    killed = workers(running)
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    until(lambda: not any(map(exists, killed)), "the end of the workers")
    second = ask_with_key(running, body)

    assert killed
    assert (first.status, second.status) == (200, 200)
    assert second.body == first.body
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["x-chatd-idempotency"] == "replayed"
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(ollama.received) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_duplicates_get_409_from_all_workers_while_one_answers(
    running: Gateway, ollama: Upstream, in_background: InBackground, stream: bool
) -> None:
    body = {**CHAT, "stream": stream}
    received_request, may_answer, usual = threading.Event(), threading.Event(), ollama.script

    def script(connection: socket.socket, received: Received) -> None:
        received_request.set()
        may_answer.wait(PATIENCE)
        usual(connection, received)

    ollama.script = script
    first = in_background(lambda: ask_with_key(running, body))
    assert received_request.wait(PATIENCE)
    meanwhile = [ask_with_key(running, body) for _ in range(3)]
    may_answer.set()

    assert first().status == 200
    assert [answer.code for answer in meanwhile] == ["idempotency_key_in_flight"] * 3
    assert [answer.status for answer in meanwhile] == [409] * 3
    assert meanwhile[0].headers["retry-after"] == "1"
    assert ask_with_key(running, body).body == first().body
    assert len(ollama.received) == 1


def test_eight_requests_with_one_key_reach_the_provider_once(
    running: Gateway, ollama: Upstream, in_background: InBackground
) -> None:
    calls = [in_background(lambda: ask_with_key(running)) for _ in range(8)]
    statuses = [call().status for call in calls]

    assert len(ollama.received) == 1
    assert 200 in statuses
    assert set(statuses) <= {200, 409}


def test_the_stored_answers_are_removed_with_the_gateway(running: Gateway, tmp_path: Path) -> None:
    ask_with_key(running)
    (folder,) = (tmp_path / "temporary").glob("chatd-*")
    mode = folder.stat().st_mode & 0o777
    kept = list(folder.iterdir())
    status = running.stop()

    assert (status, mode) == (0, 0o700)
    assert {file.name for file in kept} == {"idempotency.sqlite3", "lock"}
    assert not folder.exists()
