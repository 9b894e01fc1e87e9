"""Answers that are sent while they are made, from a worker to the caller."""

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
    gateway: Gateway, pour: str, path: str = "/act", **more: Any
) -> http.client.HTTPConnection:
    connection = gateway.connect()
    body = {"do": "stream", "pour": pour, **more}
    connection.request("POST", path, json.dumps(body))
    return connection


def _read_until(handler: socket.socket, what: bytes) -> bytes:
    """What a handler tells the test, up to `what` or the end."""
    handler.settimeout(PATIENCE)
    told = b""
    while what not in told and (more := handler.recv(64)):
        told += more
    return told


def test_a_piece_arrives_before_the_next_is_made(gateway: Gateway, rendezvous: Rendezvous) -> None:
    connection = _begin(gateway, "in_turn", port=rendezvous.port)
    (handler,) = rendezvous.wait_for(1)
    response = connection.getresponse()  # the head is there, and no piece is made
    arrived = []
    for letter in (b"a", b"b", b"c"):
        handler.sendall(letter)
        arrived.append(response.read1(16))
    handler.close()

    assert arrived == [b"a", b"b", b"c"]
    assert response.read() == b""
    connection.close()


def test_the_head_is_the_answers_own(gateway: Gateway) -> None:
    answer = gateway.run_action(
        "stream", pour="pieces", status=203, headers={"X-One": "1"}, pieces=["é", "", "b"]
    )

    assert (answer.status, answer.headers["x-one"]) == (203, "1")
    assert answer.body.decode() == "éb"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(answer.headers["x-amzn-requestid"]) == 36


def test_ten_thousand_pieces_arrive_in_order(gateway: Gateway) -> None:
    answer = gateway.run_action("stream", pour="numbers", many=10_000)

    assert answer.body == b"".join(b"%d;" % number for number in range(10_000))


def test_eight_answers_are_streamed_at_once(gateway: Gateway, rendezvous: Rendezvous) -> None:
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


def test_a_connection_is_used_again_after_a_streamed_answer(gateway: Gateway) -> None:
    connection = gateway.connect()
    for _ in range(3):
        connection.request("POST", "/act", '{"do": "stream", "pour": "pieces", "pieces": ["a"]}')

        assert connection.getresponse().read() == b"a"
    connection.close()


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("pour", ["until_aborted", "until_aborted_early"])
def test_a_hang_up_reaches_the_worker_at_once_and_it_serves_on(
    start: Start, rendezvous: Rendezvous, pour: str, again: bool
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = _begin(gateway, pour, port=rendezvous.port, again=again)
    (handler,) = rendezvous.wait_for(1)
    with handler:
        waits = _read_until(handler, b"waits ")
        hung_up = time.monotonic()
        connection.close()
        told = _read_until(handler, b"gone ")
        took = time.monotonic() - hung_up

    assert (waits, told) == (b"waits ", b"aborted gone ")
    assert took < 15  # a busy machine's second; without the hang-up it waits four times as long
    assert gateway.worker() == before
    assert "Traceback" not in gateway.output_text


def test_a_hang_up_before_the_answer_is_a_streamed_one_stops_it_too(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = gateway.connect()
    body = {"do": "late_stream", "pour": "then_notice", "port": rendezvous.port}
    connection.request("POST", "/act", json.dumps(body))
    handler, waiting = rendezvous.wait_for(2)
    connection.close()
    # It reads what comes in by turns: once it has answered these, it has read the hang-up.
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    release([waiting])

    with handler:
        assert _read_until(handler, b"gone ") == b"aborted gone "
    assert gateway.worker() == before


def test_an_abort_that_fails_leaves_the_worker_as_it_was(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = _begin(gateway, "until_aborted", port=rendezvous.port, abort_fails=True)
    (handler,) = rendezvous.wait_for(1)
    with handler:
        _read_until(handler, b"waits ")
        connection.close()
        _read_until(handler, b"gone ")

    assert gateway.worker() == before
    assert "RuntimeError: on purpose" in gateway.output_text


def test_what_is_written_after_the_end_reaches_nobody(
    gateway: Gateway, rendezvous: Rendezvous
) -> None:
    connection = _begin(gateway, "late_write", port=rendezvous.port)
    (handler,) = rendezvous.wait_for(1)
    body = connection.getresponse().read()
    with handler:
        handler.sendall(b"!")

        assert (body, _read_until(handler, b"gone ")) == (b"", b"gone ")
    assert [gateway.run_action("report").status for _ in range(8)] == [200] * 8
    connection.close()


def test_a_worker_that_goes_on_for_nobody_is_replaced(start: Start, rendezvous: Rendezvous) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    connection = _begin(gateway, "stubborn", port=rendezvous.port)
    (handler,) = rendezvous.wait_for(1)
    with handler:
        _read_until(handler, b"waits ")
    connection.close()

    assert gateway.worker() != before
    assert not is_running(before)
    assert "ScriptedFunction went on for 3 s after its caller had gone" in gateway.output_text


@pytest.mark.parametrize("pour", ["fail", "nothing"])
def test_a_fault_before_the_head_is_a_502(gateway: Gateway, pour: str) -> None:
    answer = gateway.run_action("stream", pour=pour)

    assert (answer.status, answer.code) == (502, "internal_error")
    assert b"on purpose" not in answer.body


@pytest.mark.parametrize(("status", "headers"), [(42, {}), (200, {"X-One": "1\r\nX-Two: 2"})])
def test_a_head_that_is_none_is_a_502(gateway: Gateway, status: int, headers: Any) -> None:
    answer = gateway.run_action(
        "stream", pour="pieces", status=status, headers=headers, pieces=["a"]
    )

    assert (answer.status, answer.code) == (502, "internal_error")
    assert gateway.run_action("report").status == 200


@pytest.mark.parametrize(
    ("pour", "path", "said"),
    [
        ("fail_after", "/act", "RuntimeError: on purpose"),
        ("exit_after", "/act", "a worker died (exit status 3)"),
        ("hang_after", "/hasty", "HastyFunction took longer than its 1 s"),
    ],
)
def test_what_fails_in_the_middle_does_not_look_like_an_end(
    gateway: Gateway, pour: str, path: str, said: str
) -> None:
    connection = _begin(gateway, pour, path, pieces=["the first half"])
    response = connection.getresponse()

    with pytest.raises(http.client.IncompleteRead) as broken:
        response.read()

    assert (response.status, broken.value.partial) == (200, b"the first half")
    until(lambda: said in gateway.output_text, "the reason")
    assert gateway.run_action("report", path).status == 200
    connection.close()


def test_a_worker_that_is_killed_in_the_middle_does_not_look_like_an_end(
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


def test_an_end_of_the_gateway_breaks_a_stream_off(start: Start, rendezvous: Rendezvous) -> None:
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


def test_a_caller_that_reads_slowly_gets_all_of_it(
    gateway: Gateway, in_background: InBackground
) -> None:
    connection = _begin(gateway, "pieces", pieces=["a" * 1_000_000] * 8)
    response = connection.getresponse()
    other = in_background(lambda: gateway.run_action("report"))  # nobody waits for the slow one

    assert other().status == 200
    assert len(response.read()) == 8_000_000
    connection.close()
