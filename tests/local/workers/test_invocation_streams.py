"""A streamed answer reaches the caller part by part, and a hang-up reaches the worker."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import time
from typing import Any

import pytest

from tests.local.conftest import (
    PATIENCE,
    SCRIPTED,
    Gateway,
    InBackground,
    Rendezvous,
    Start,
    is_running,
    release,
    until,
)


def _begin(
    gateway: Gateway, script: str, path: str = "/act", **more: Any
) -> http.client.HTTPConnection:
    connection = gateway.connect()
    body = {"do": "stream", "script": script, **more}
    connection.request("POST", path, json.dumps(body))
    return connection


def _read_until(handler: socket.socket, end: bytes) -> bytes:
    """All bytes that a handler sends to the test, up to `end` or EOF."""
    handler.settimeout(PATIENCE)
    received = b""
    while end not in received and (more := handler.recv(64)):
        received += more
    return received


def test_a_piece_arrives_before_the_next_is_written(
    gateway: Gateway, rendezvous: Rendezvous
) -> None:
    connection = _begin(gateway, "in_turn", port=rendezvous.port)
    (handler,) = rendezvous.wait_for(1)
    response = connection.getresponse()  # the head arrives before the first piece is written
    arrived = []
    for letter in (b"a", b"b", b"c"):
        handler.sendall(letter)
        arrived.append(response.read1(16))
    handler.close()

    assert arrived == [b"a", b"b", b"c"]
    assert response.read() == b""
    connection.close()


def test_status_and_headers_are_the_handlers(gateway: Gateway) -> None:
    answer = gateway.run_action(
        "stream", script="pieces", status=203, headers={"X-One": "1"}, pieces=["é", "", "b"]
    )

    assert (answer.status, answer.headers["x-one"]) == (203, "1")
    assert answer.body.decode() == "éb"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(answer.headers["x-amzn-requestid"]) == 36


def test_ten_thousand_pieces_arrive_in_order(gateway: Gateway) -> None:
    answer = gateway.run_action("stream", script="numbers", many=10_000)

    assert answer.body == b"".join(b"%d;" % number for number in range(10_000))


def test_eight_answers_stream_at_once(gateway: Gateway, rendezvous: Rendezvous) -> None:
    connections = [_begin(gateway, "in_turn", port=rendezvous.port) for _ in range(8)]
    handlers = rendezvous.wait_for(8)
    responses = [connection.getresponse() for connection in connections]
    for handler in handlers:
        handler.sendall(b"a")

    assert [response.read1(16) for response in responses] == [b"a"] * 8
    for handler in handlers:
        handler.close()
    assert [response.read() for response in responses] == [b""] * 8
    for connection in connections:
        connection.close()


def test_a_connection_is_reused_after_a_streamed_answer(gateway: Gateway) -> None:
    connection = gateway.connect()
    for _ in range(3):
        connection.request("POST", "/act", '{"do": "stream", "script": "pieces", "pieces": ["a"]}')

        assert connection.getresponse().read() == b"a"
    connection.close()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("script", ["until_aborted", "until_aborted_before_head"])
def test_a_hang_up_reaches_the_worker_and_the_worker_serves_the_next_request(
    start: Start, rendezvous: Rendezvous, script: str, again: bool
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = _begin(gateway, script, port=rendezvous.port, again=again)
    (handler,) = rendezvous.wait_for(1)
    with handler:
        waits = _read_until(handler, b"waits ")
        hung_up = time.monotonic()
        connection.close()
        rest = _read_until(handler, b"noticed ")
        took = time.monotonic() - hung_up

    assert (waits, rest) == (b"waits ", b"aborted noticed ")
    assert took < 15  # 1 s on an idle machine; without the hang-up 60 s
    assert gateway.worker() == before
    assert "Traceback" not in gateway.output_text


def test_a_hang_up_before_the_streamed_answer_starts_stops_it(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = gateway.connect()
    body = {"do": "late_stream", "script": "notice_after_abort", "port": rendezvous.port}
    connection.request("POST", "/act", json.dumps(body))
    handler, waiting = rendezvous.wait_for(2)
    connection.close()
    # The server reads its connections in turn: after these responses, it has read the hang-up.
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    release([waiting])

    with handler:
        assert _read_until(handler, b"noticed ") == b"aborted noticed "
    assert gateway.worker() == before


def test_a_failed_abort_does_not_end_the_worker(start: Start, rendezvous: Rendezvous) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = _begin(gateway, "until_aborted", port=rendezvous.port, abort_fails=True)
    (handler,) = rendezvous.wait_for(1)
    with handler:
        _read_until(handler, b"waits ")
        connection.close()
        _read_until(handler, b"noticed ")

    assert gateway.worker() == before
    assert "RuntimeError: on purpose" in gateway.output_text


def test_a_write_after_the_end_reaches_no_caller(gateway: Gateway, rendezvous: Rendezvous) -> None:
    connection = _begin(gateway, "late_write", port=rendezvous.port)
    (handler,) = rendezvous.wait_for(1)
    body = connection.getresponse().read()
    with handler:
        handler.sendall(b"!")

        assert (body, _read_until(handler, b"noticed ")) == (b"", b"noticed ")
    assert [gateway.run_action("report").status for _ in range(8)] == [200] * 8
    connection.close()


def test_a_worker_that_ignores_a_hang_up_is_replaced(start: Start, rendezvous: Rendezvous) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = _begin(gateway, "stubborn", port=rendezvous.port)
    (handler,) = rendezvous.wait_for(1)
    with handler:
        _read_until(handler, b"waits ")
    connection.close()

    assert gateway.worker() != before
    assert not is_running(before)
    assert "ScriptedFunction continued for 3 s after its caller hung up" in gateway.output_text


@pytest.mark.parametrize("script", ["fail", "nothing"])
def test_a_failure_before_the_head_is_a_502(gateway: Gateway, script: str) -> None:
    answer = gateway.run_action("stream", script=script)

    assert (answer.status, answer.code) == (502, "internal_error")
    assert b"on purpose" not in answer.body


@pytest.mark.parametrize(("status", "headers"), [(42, {}), (200, {"X-One": "1\r\nX-Two: 2"})])
def test_an_invalid_head_is_a_502(gateway: Gateway, status: int, headers: Any) -> None:
    answer = gateway.run_action(
        "stream", script="pieces", status=status, headers=headers, pieces=["a"]
    )

    assert (answer.status, answer.code) == (502, "internal_error")
    assert gateway.run_action("report").status == 200


@pytest.mark.parametrize(
    ("script", "path", "logged"),
    [
        ("fail_after", "/act", "RuntimeError: on purpose"),
        ("exit_after", "/act", "a worker ended (exit status 3)"),
        ("hang_after", "/hasty", "HastyFunction took longer than its 1 s"),
    ],
)
def test_a_failure_in_the_middle_makes_an_incomplete_response(
    gateway: Gateway, script: str, path: str, logged: str
) -> None:
    connection = _begin(gateway, script, path, pieces=["the first half"])
    response = connection.getresponse()

    with pytest.raises(http.client.IncompleteRead) as broken:
        response.read()

    assert (response.status, broken.value.partial) == (200, b"the first half")
    until(lambda: logged in gateway.output_text, "the log line")
    assert gateway.run_action("report", path).status == 200
    connection.close()


def test_a_worker_killed_in_the_middle_makes_an_incomplete_response(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    worker = gateway.worker()
    connection = _begin(gateway, "in_turn", port=rendezvous.port)
    waiting = rendezvous.wait_for(1)
    response = connection.getresponse()
    os.kill(worker, signal.SIGKILL)

    with pytest.raises(http.client.IncompleteRead):
        response.read()

    assert gateway.worker() != worker
    release(waiting)
    connection.close()


def test_a_stop_of_the_gateway_makes_an_incomplete_response(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED)
    connection = _begin(gateway, "in_turn", port=rendezvous.port)
    waiting = rendezvous.wait_for(1)
    response = connection.getresponse()
    status = gateway.stop()

    with pytest.raises(http.client.IncompleteRead):
        response.read()

    assert status == 0
    assert "Traceback" not in gateway.output_text
    release(waiting)
    connection.close()


def test_a_slow_reader_gets_the_complete_answer(
    gateway: Gateway, in_background: InBackground
) -> None:
    connection = _begin(gateway, "pieces", pieces=["a" * 600_000] * 8)
    response = connection.getresponse()
    other = in_background(
        lambda: gateway.run_action("report")
    )  # other callers do not wait for the slow reader

    assert other().status == 200
    assert response.status == 200, response.read()
    assert len(response.read()) == 4_800_000
    connection.close()
