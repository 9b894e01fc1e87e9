"""A stalled connection is closed, and too many connections lock no caller out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.http_server.connection_limits import ConnectionLimits
from local.http_server.server import listener, serving
from tests.local.conftest import PATIENCE, Gateway, Start, until

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A limit in seconds that no test reaches.
NEVER = 10 * PATIENCE


def limits(**some: float) -> ConnectionLimits:
    values: dict[str, Any] = {"head": NEVER, "body": NEVER, "idle": NEVER, "unread": NEVER, **some}
    return ConnectionLimits(**values)


class App:
    """Answer each request as its path selects, and record the events."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.may_answer = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.events.put("started")
        await getattr(self, "_" + (scope["path"].strip("/") or "whole"))(receive, send)

    async def _whole(self, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            if not message["more_body"]:
                await self._early(receive, send)
                return
        self.events.put("hung up")

    async def _early(self, _receive: Any, send: Any, body: bytes = b"ok") -> None:
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    async def _large(self, receive: Any, send: Any) -> None:
        await self._early(receive, send, b"x" * 24_000_000)

    async def _endless(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        sending = asyncio.create_task(self._send_on(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        self.events.put("hung up")
        sending.cancel()

    async def _send_on(self, send: Any) -> None:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})

    async def _wait(self, receive: Any, send: Any) -> None:
        await receive()
        hung_up = asyncio.ensure_future(receive())
        released = asyncio.ensure_future(asyncio.to_thread(self.may_answer.wait, PATIENCE))
        await asyncio.wait({hung_up, released}, return_when=asyncio.FIRST_COMPLETED)
        if hung_up.done():
            self.events.put("hung up")
        self.may_answer.set()
        await released
        hung_up.cancel()
        await self._early(receive, send)

    def saw(self, event: str) -> bool:
        return self.events.get(timeout=PATIENCE) == event


@contextlib.contextmanager
def served(app: App, limits: ConnectionLimits) -> Iterator[Callable[[], socket.socket]]:
    """Serve in a thread; yield a function that opens a connection."""
    with listener("127.0.0.1", 0) as sock, contextlib.ExitStack() as stack:
        port = sock.getsockname()[1]
        loops: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = (
            queue.SimpleQueue()
        )

        async def serve() -> None:
            stop = asyncio.Event()
            async with serving(app, sock, limits):
                loops.put((asyncio.get_running_loop(), stop))
                await stop.wait()

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        loop, stop = loops.get(timeout=PATIENCE)

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))

        try:
            yield connect
        finally:
            app.may_answer.set()
            loop.call_soon_threadsafe(stop.set)
            thread.join(PATIENCE)


def read_to_end(connection: socket.socket) -> bytes:
    """All bytes until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65536):
            received += more
    return received


def trickle(connection: socket.socket, piece: bytes) -> None:
    """Send a piece every 20 ms until the server has closed the connection."""

    def send() -> bool:
        try:
            connection.sendall(piece)
        except ConnectionError:
            return True
        return False

    until(send, "the end of the connection")


def answer(connection: socket.socket) -> bytes:
    """The body of a response of two bytes."""
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < 2:
        more = connection.recv(65536)
        assert more, received
        received += more
    return received.partition(b"\r\n\r\n")[2]


def code(received: bytes) -> tuple[bytes, str]:
    """The status and the code of an error."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return head.split()[1], json.loads(body)["error"]["code"]


@pytest.mark.parametrize("sent", [b"P", HEAD, HEAD + b"X-A: b"])
def test_an_incomplete_head_is_408(sent: bytes) -> None:
    with served(App(), limits(head=0.2)) as connect:
        connection = connect()
        connection.sendall(sent)

        assert code(read_to_end(connection)) == (b"408", "request_timeout")


def test_a_connection_without_data_is_closed() -> None:
    with served(App(), limits(head=0.2)) as connect:
        assert read_to_end(connect()) == b""


def test_a_trickling_head_is_closed() -> None:
    with served(App(), limits(head=0.5)) as connect:
        connection = connect()
        connection.sendall(HEAD)
        trickle(connection, b"X")


@pytest.mark.parametrize(
    "lines", [b"Content-Length: 1000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1\r\n"]
)
def test_an_incomplete_body_is_408_and_the_app_gets_a_disconnect(lines: bytes) -> None:
    app = App()
    with served(app, limits(body=0.2)) as connect:
        connection = connect()
        connection.sendall(HEAD + lines)

        assert code(read_to_end(connection)) == (b"408", "request_timeout")
        assert app.saw("started")
        assert app.saw("hung up")


def test_a_trickling_body_is_closed() -> None:
    with served(App(), limits(body=0.5)) as connect:
        connection = connect()
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        trickle(connection, b"x")


def test_a_body_that_trickles_after_its_response_is_closed() -> None:
    with served(App(), limits(body=0.5)) as connect:
        connection = connect()
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        trickle(connection, b"x")


def test_the_head_of_a_second_request_has_the_limit_too() -> None:
    with served(App(), limits(head=0.3)) as connect:
        connection = connect()
        connection.sendall(GET)
        first = answer(connection)
        connection.sendall(b"GET / HT")

        assert first == b"ok"
        assert code(read_to_end(connection)) == (b"408", "request_timeout")


def test_the_heads_limit_does_not_close_an_idle_connection_between_requests() -> None:
    with served(App(), limits(head=0.2)) as connect:
        connection = connect()
        connection.sendall(GET)
        assert answer(connection) == b"ok"
        for _ in range(2):  # each takes the head's limit, so that the limit passes
            assert read_to_end(connect()) == b""
        connection.sendall(GET)

        assert answer(connection) == b"ok"


def test_a_request_in_pieces_is_served() -> None:
    with served(App(), limits()) as connect:
        connection = connect()
        for piece in (
            b"POST / HT",
            b"TP/1.1\r\nHost: localhost\r\nContent-Le",
            b"ngth: 2\r\n\r\nx",
        ):
            connection.sendall(piece)
        connection.sendall(b"y")

        assert answer(connection) == b"ok"


def test_at_the_limit_the_connection_that_waited_longest_is_closed() -> None:
    with served(App(), limits(connections=3)) as connect:
        waiting = [connect() for _ in range(3)]
        for connection in waiting:
            connection.sendall(b"G")
        last = connect()
        last.sendall(GET)

        assert answer(last) == b"ok"
        assert read_to_end(waiting[0]) == b""
        waiting[1].sendall(GET[1:])
        assert answer(waiting[1]) == b"ok"


def test_at_the_limit_a_connection_with_a_slow_body_is_closed() -> None:
    app = App()
    with served(app, limits(connections=2, head=0.5)) as connect:
        for _ in range(2):
            connect().sendall(HEAD + b"Content-Length: 9\r\n\r\nx")
            assert app.saw("started")

        def is_served() -> bool:
            last = connect()
            with contextlib.suppress(ConnectionError):
                last.sendall(GET)
                return last.recv(12) == b"HTTP/1.1 200"
            return False

        until(is_served, "the slow bodies to exceed the head's limit")


def test_at_the_limit_with_every_connection_busy_a_new_one_is_503() -> None:
    app = App()
    with served(app, limits(connections=2)) as connect:
        busy = [connect() for _ in range(2)]
        for connection in busy:
            connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert app.saw("started")
        refused = code(read_to_end(connect()))
        app.may_answer.set()

        assert refused == (b"503", "overloaded")
        assert [answer(connection) for connection in busy] == [b"ok", b"ok"]


def test_a_peer_that_does_not_read_is_closed() -> None:
    app = App()
    with served(app, limits(unread=0.5)) as connect:
        connect().sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")

        assert app.saw("started")
        assert app.saw("hung up")


def test_a_slow_reader_gets_the_complete_response() -> None:
    with served(App(), limits(unread=1.5)) as connect:
        connection = connect()
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = 0
        while more := connection.recv(400_000):
            received += len(more)
            time.sleep(0.1)  # the whole response takes longer than the limit

        assert received > 24_000_000


@pytest.mark.parametrize("lines", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_a_hang_up_behind_pipelined_requests_is_detected(lines: bytes) -> None:
    app = App()
    with served(app, limits()) as connect:
        connection = connect()
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
        assert app.saw("started")
        for _ in range(3):
            connection.sendall(GET)
        connection.shutdown(socket.SHUT_RDWR)

        assert app.saw("hung up")


def test_too_many_pipelined_bytes_close_the_connection() -> None:
    app = App()
    with served(app, limits()) as connect:
        connection = connect()
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert app.saw("started")
        trickle(connection, GET * 100)

        assert app.saw("hung up")


def half_open(gateway: Gateway, number: int) -> list[socket.socket]:
    """Open connections, each with the start of a request."""
    connections = []
    for _ in range(number):
        connections.append(socket.create_connection(("127.0.0.1", gateway.port), PATIENCE))
        connections[-1].sendall(b"POST /act HTTP/1.1\r\n")
    return connections


def test_300_half_open_connections_lock_no_caller_out_and_are_closed(start: Start) -> None:
    gateway = start()
    connections = half_open(gateway, 300)
    healthy = gateway.run_action("report")

    assert healthy.status == 200
    assert {read_to_end(connection)[:12] for connection in connections} <= {b"HTTP/1.1 408", b""}
    for connection in connections:
        connection.close()


def test_without_descriptors_the_log_stays_short_and_callers_are_served(start: Start) -> None:
    gateway = start(module="tests.local.http_server.few_descriptors", DESCRIPTORS="64")
    before = len(gateway.output_text)
    connections = half_open(gateway, 250)
    until(lambda: "no file descriptor left" in gateway.output_text, "the warning")
    healthy = gateway.run_action("report")
    for connection in connections:
        connection.close()

    assert healthy.status == 200
    assert "Traceback" not in gateway.output_text
    assert len(gateway.output_text) - before < 4000
