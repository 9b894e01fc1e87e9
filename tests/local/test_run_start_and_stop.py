"""Starts that fail print one line; a stop ends every process."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.http_server.server import listener
from tests.local.conftest import (
    PATIENCE,
    ROOT,
    SCRIPTED,
    Gateway,
    InBackground,
    Rendezvous,
    Start,
    environment,
    failed_start,
    is_running,
    release,
    until,
)


def _interrupt_group(gateway: Gateway) -> None:
    os.killpg(gateway.process.pid, signal.SIGINT)


def _interrupt_server(gateway: Gateway) -> None:
    gateway.process.send_signal(signal.SIGINT)


def _terminate_server(gateway: Gateway) -> None:
    gateway.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("end", [_interrupt_group, _interrupt_server, _terminate_server])
def test_a_stop_ends_all_workers_and_frees_the_port(
    start: Start, end: Callable[[Gateway], None]
) -> None:
    gateway = start(*SCRIPTED)
    workers = [gateway.worker(), gateway.worker("/hasty")]
    end(gateway)
    status = gateway.process.wait(PATIENCE)
    second = start(*SCRIPTED, PORT=str(gateway.port))

    assert status == 0
    assert not any(map(is_running, workers))
    assert "Traceback" not in gateway.output_text
    assert second.run_action("report").status == 200


def test_a_stop_answers_requests_in_flight_with_503_at_once(
    start: Start, rendezvous: Rendezvous, in_background: InBackground
) -> None:
    gateway = start(*SCRIPTED)
    calls = [
        in_background(lambda: gateway.run_action("wait", port=rendezvous.port)) for _ in range(2)
    ]
    waiting = rendezvous.wait_for(2)
    status = gateway.stop()
    answers = [call() for call in calls]
    release(waiting)

    assert status == 0
    assert [(answer.status, answer.code) for answer in answers] == [(503, "stopping")] * 2


def test_workers_exit_when_the_server_is_killed(start: Start, rendezvous: Rendezvous) -> None:
    gateway = start(*SCRIPTED)
    idle, busy = gateway.worker("/hasty"), gateway.worker()
    connection = gateway.connect()
    connection.request("POST", "/act", f'{{"do": "wait", "port": {rendezvous.port}}}')
    waiting = rendezvous.wait_for(1)
    gateway.stop(signal.SIGKILL)

    until(lambda: not is_running(idle), "the end of the idle worker")
    until(lambda: not is_running(busy), "the end of the busy worker")
    connection.close()
    release(waiting)


def test_a_busy_port_is_one_line_with_the_remedy(gateway: Gateway) -> None:
    status, lines = failed_start(*SCRIPTED, PORT=str(gateway.port))

    assert status == 2
    assert lines == [
        f"chatd: 127.0.0.1:{gateway.port} is in use, perhaps by another gateway; stop it, or"
        f" choose another port: make run PORT={gateway.port + 1}"
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "PORT='http': must be a whole number from 0 to 65535"),
        ("PORT", "65536", "PORT='65536': must be a whole number from 0 to 65535"),
        ("CHATD_WORKERS", "0", "CHATD_WORKERS='0': must be a whole number from 1 to 256"),
        ("CHATD_CALLER_KEYS", " , ", "CHATD_CALLER_KEYS: contains no key"),
        ("HOST", "no such host", "HOST='no such host': is not a known host name or address"),
        ("HOST", "192.0.2.1", "HOST=192.0.2.1: other machines could reach this address"),
        ("CHATD_DEFAULT_PROVIDER", "missing", "'missing' is not a provider"),
        ("CHATD_CONFIG", "/nowhere/chatd.toml", "/nowhere/chatd.toml: cannot be read"),
    ],
)
def test_an_invalid_variable_is_one_line(name: str, value: str, message: str) -> None:
    status, lines = failed_start(*SCRIPTED, **{name: value})

    assert (status, len(lines)) == (2, 1)
    assert lines[0].startswith("chatd: ")
    assert message in lines[0]


def test_an_address_of_another_machine_is_one_line() -> None:
    status, lines = failed_start(*SCRIPTED, HOST="192.0.2.1", CHATD_CALLER_KEYS="key-1")

    assert status == 2
    reason = os.strerror(errno.EADDRNOTAVAIL)
    assert lines == [f"chatd: 192.0.2.1:0: cannot listen there: {reason}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen anywhere")
def test_a_privileged_port_is_one_line() -> None:
    status, lines = failed_start(*SCRIPTED, PORT="80")

    assert (status, len(lines)) == (2, 1)
    assert "choose a PORT above 1023" in lines[0]


def test_an_empty_variable_counts_as_unset(start: Start) -> None:
    gateway = start(*SCRIPTED, HOST="", CHATD_WORKERS="", CHATD_CALLER_KEYS="", OLLAMA_URL="")

    assert gateway.url.startswith("http://127.0.0.1:")
    assert gateway.run_action("report").status == 200


def test_host_localhost_listens_on_127_0_0_1(start: Start) -> None:
    assert start(*SCRIPTED, HOST="localhost").url.startswith("http://127.0.0.1:")


def test_a_handler_that_cannot_be_imported_fails_the_start(tmp_path: Path) -> None:
    status, lines = failed_start("--template", SCRIPTED[1], "--code", str(tmp_path))

    assert status == 2
    assert lines[-1].endswith(
        "scripted_handler.lambda_handler cannot be imported: ModuleNotFoundError:"
        " No module named 'scripted_handler'"
    )


def test_a_handler_that_exits_during_its_import_fails_the_start(tmp_path: Path) -> None:
    (tmp_path / "scripted_handler.py").write_text("import os\nos._exit(1)\n")
    status, lines = failed_start("--template", SCRIPTED[1], "--code", str(tmp_path))

    assert status == 2
    assert lines[-1].endswith("cannot be imported: it ended while starting")


def test_help_lists_the_variables() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "local", "--help"],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout

    for name in ("HOST", "PORT", "CHATD_WORKERS", "CHATD_CALLER_KEYS", "OLLAMA_URL"):
        assert f"  {name}  " in shown


def test_connections_to_a_listener_have_tcp_nodelay() -> None:
    async def nodelay() -> int:
        with listener("127.0.0.1", 0) as sock:
            accepted = asyncio.get_running_loop().create_future()
            async with await asyncio.start_server(lambda _, w: accepted.set_result(w), sock=sock):
                _, ours = await asyncio.open_connection(*sock.getsockname())
                theirs: asyncio.StreamWriter = await accepted
                connection: socket.socket = theirs.get_extra_info("socket")
                option = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                for writer in (ours, theirs):
                    writer.close()
                return option

    assert asyncio.run(nodelay()) != 0
