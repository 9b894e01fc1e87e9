"""The acceptance gate on `make run`; tests/e2e runs the same checks on `sam local start-api`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from deploy.acceptance_gate import POINTS, Client
from tests.local.conftest import PATIENCE, ROOT, environment, until
from tests.support import answers
from tests.support.upstream import Received, Upstream, head, reply, upstream

CHAT = {"model": "llama3.2", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture(scope="module")
def ollama() -> Iterator[Upstream]:
    """An Ollama that serves llama3.2 only."""

    def script(connection: socket.socket, received: Received) -> None:
        model = received.json["model"]
        if model == "llama3.2":
            reply(answers.ollama_chat(model=model))(connection, received)
        else:
            reply({"error": f"model '{model}' not found"}, status=404)(connection, received)

    with upstream(script) as server:
        yield server


@pytest.fixture(scope="module")
def caller(ollama: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    output = tmp_path_factory.mktemp("make-run") / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env=environment(OLLAMA_URL=ollama.url, CHATD_CONFIG="/dev/null", MAKEFLAGS=""),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def url() -> str | None:
        assert process.poll() is None, output.read_text()
        found = re.search(r"chatd serves (http://\S+) ", output.read_text())
        return found and found[1]

    yield Client(
        url=str(until(url, "the banner")), model="llama3.2", providers=frozenset({"ollama"})
    )
    os.killpg(process.pid, signal.SIGINT)
    process.wait(PATIENCE)


@pytest.mark.parametrize(("name", "point"), POINTS)
def test_the_acceptance_gate_passes(
    caller: Client, name: str, point: Callable[[Client], None]
) -> None:
    point(caller)


@pytest.mark.parametrize(
    ("model", "upstream_model"),
    [("ollama/llama3.2", "llama3.2"), ("unknown/llama3.2", "unknown/llama3.2")],
)
def test_the_upstream_gets_the_models_name_of_the_routing_table(
    caller: Client, ollama: Upstream, model: str, upstream_model: str
) -> None:
    caller.chat(model=model)

    assert ollama.last.json["model"] == upstream_model


def test_a_hang_up_ends_the_providers_stream(
    caller: Client, ollama: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = threading.Event()

    def endless(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + answers.ollama_lines("Hello")[0])
        if connection.recv(1) == b"":
            closed.set()

    monkeypatch.setattr(ollama, "script", endless)
    address = urlsplit(caller.url)
    body = json.dumps({**CHAT, "stream": True}).encode()
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
        request = (
            f"POST /v1/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(request.encode() + body)
        arrived = b""
        while b"Hello" not in arrived:
            arrived += connection.recv(65536)

    assert closed.wait(15)  # 1 s on an idle machine; the limit between chunks is 30 s
