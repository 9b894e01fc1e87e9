"""The memory that request bodies take together has a limit, and is given back."""

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


def request(*parts: bytes, gone: bool = False) -> Request:
    """A request whose body comes in parts, or whose caller hangs up after them."""
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    last = {"type": "http.disconnect"} if gone else {"type": "http.request", "body": b""}
    queue = iter([*messages, last])

    async def receive() -> Message:
        return next(queue)

    return Request({"type": "http", "headers": []}, receive)


async def read(bodies: RequestBodies, request: Request) -> bytes:
    async with bodies.read(request) as body:
        return body


def test_a_body_is_read_whole() -> None:
    assert asyncio.run(read(RequestBodies(), request(b"a", b"", b"bc"))) == b"abc"


def test_bodies_beyond_the_limit_together_are_refused_until_one_is_done() -> None:
    async def meet() -> bytes:
        bodies = RequestBodies(limit=10)
        async with bodies.read(request(b"x" * 6)):
            async with bodies.read(request(b"x" * 4)):
                pass
            with pytest.raises(TooManyBodiesError) as refusal:
                await read(bodies, request(b"x" * 4, b"x"))
            assert (refusal.value.status, refusal.value.code) == (503, "overloaded")
            assert refusal.value.headers() == {"Retry-After": "1", "Connection": "close"}
        return await read(bodies, request(b"y" * 10))

    assert asyncio.run(meet()) == b"y" * 10


@pytest.mark.parametrize(
    ("sent", "failure"),
    [
        (request(b"x" * 6, gone=True), ClientDisconnect),
        (request(b"x" * 6, b"x" * 6), TooManyBodiesError),
    ],
)
def test_a_body_that_does_not_arrive_gives_its_memory_back(
    sent: Request, failure: type[Exception]
) -> None:
    async def meet() -> bytes:
        bodies = RequestBodies(limit=10)
        with pytest.raises(failure):
            await read(bodies, sent)
        return await read(bodies, request(b"y" * 10))

    assert asyncio.run(meet()) == b"y" * 10


def test_a_body_over_ten_megabytes_is_too_large_though_memory_is_left() -> None:
    with pytest.raises(BodyTooLargeError):
        asyncio.run(read(RequestBodies(limit=100 * MB), request(b"x" * (10 * MB), b"x")))


def test_many_large_bodies_at_once_are_refused_and_those_before_are_served(
    start: Start, rendezvous: Rendezvous
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    padding = b" " * (10 * MB - 200)
    body = b'{"do": "wait", "port": %d}' % rendezvous.port + padding
    head = b"POST /act HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    connections = []
    for _ in range(14):  # one of them is too much, whichever it is
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
