"""The total memory of request bodies is limited and released."""

from __future__ import annotations

import asyncio
import select
import socket

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from local.http_server.request_bodies import BodyTooLargeError, RequestBodies, TooManyBodiesError
from tests.local.conftest import PATIENCE, SCRIPTED, Rendezvous, Start, release

MB = 1024 * 1024


def request(*parts: bytes, hang_up: bool = False) -> Request:
    """A request with a body in parts; with `hang_up`, the caller hangs up after the last part."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    last = {"type": "http.disconnect"} if hang_up else {"type": "http.request", "body": b""}
    queue = iter([*messages, last])

    async def receive() -> Message:
        return next(queue)

    return Request({"type": "http", "headers": []}, receive)


async def read_body(bodies: RequestBodies, request: Request) -> bytes:
    async with bodies.read(request) as body:
        return body


def test_a_body_is_the_sum_of_its_parts() -> None:
    assert asyncio.run(read_body(RequestBodies(), request(b"a", b"", b"bc"))) == b"abc"


def test_bodies_beyond_the_total_limit_are_refused_until_one_is_released() -> None:
    async def scenario() -> bytes:
        bodies = RequestBodies(limit=10)
        async with bodies.read(request(b"x" * 6)):
            async with bodies.read(request(b"x" * 4)):
                pass
            with pytest.raises(TooManyBodiesError) as refusal:
                await read_body(bodies, request(b"x" * 4, b"x"))
            assert (refusal.value.status, refusal.value.code) == (503, "overloaded")
            assert refusal.value.headers() == {"Retry-After": "1", "Connection": "close"}
        return await read_body(bodies, request(b"y" * 10))

    assert asyncio.run(scenario()) == b"y" * 10


@pytest.mark.parametrize(
    ("sent", "failure"),
    [
        (request(b"x" * 6, hang_up=True), ClientDisconnect),
        (request(b"x" * 6, b"x" * 6), TooManyBodiesError),
    ],
)
def test_a_failed_body_releases_its_memory(sent: Request, failure: type[Exception]) -> None:
    async def scenario() -> bytes:
        bodies = RequestBodies(limit=10)
        with pytest.raises(failure):
            await read_body(bodies, sent)
        return await read_body(bodies, request(b"y" * 10))

    assert asyncio.run(scenario()) == b"y" * 10


def test_a_body_over_5_mb_is_refused_below_the_total_limit() -> None:
    with pytest.raises(BodyTooLargeError, match="5,242,881 bytes or more"):
        asyncio.run(read_body(RequestBodies(limit=100 * MB), request(b"x" * (5 * MB), b"x")))


def test_the_body_beyond_the_total_limit_gets_503_and_the_server_continues(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    padding = b" " * (5 * MB - 200)
    body = b'{"do": "wait", "port": %d}' % rendezvous.port + padding
    head = b"POST /act HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    connections = []
    for _ in range(26):  # one more than the total limit allows
        connections.append(socket.create_connection(("127.0.0.1", gateway.port), PATIENCE))
        connections[-1].sendall(head + body)
    (handler,) = rendezvous.wait_for(1)
    refused, _, _ = select.select(connections, [], [], PATIENCE)
    answer = refused[0].recv(65536) if refused else b""
    for connection in connections:
        connection.close()
    release([handler])

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert gateway.run_action("report").status == 200
