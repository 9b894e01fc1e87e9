"""A connection that stalls is ended, and too many of them keep nobody out."""

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

from local.http_server.connection import ConnectionLimits
from local.http_server.server import listener, serving
from tests.local.conftest import PATIENCE, Gateway, Start, until

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Seconds that no test waits for: what has this limit ends for another reason, or not at all.
NEVER = 10 * PATIENCE


def limits(**some: float) -> ConnectionLimits:
    values: dict[str, Any] = {"head": NEVER, "body": NEVER, "idle": NEVER, "unread": NEVER, **some}
    return ConnectionLimits(**values)


class App:
    """Answers each request as its path says, and notes what becomes of it."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.going = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.events.put("begun")
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
        going = asyncio.ensure_future(asyncio.to_thread(self.going.wait, PATIENCE))
        await asyncio.wait({hung_up, going}, return_when=asyncio.FIRST_COMPLETED)
        if hung_up.done():
            self.events.put("hung up")
        self.going.set()
        await going
        hung_up.cancel()
        await self._early(receive, send)

    def saw(self, event: str) -> bool:
        return self.events.get(timeout=PATIENCE) == event


@contextlib.contextmanager
def served(app: App, limits: ConnectionLimits) -> Iterator[Callable[[], socket.socket]]:
    """Serve in a thread; what it gives connects."""
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
            app.going.set()
            loop.call_soon_threadsafe(stop.set)
            thread.join(PATIENCE)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while more := connection.recv(65536):
            received += more
    return received


def trickle(connection: socket.socket, piece: bytes) -> None:
    """Send a piece now and then until the server has closed."""

    def send() -> bool:
        try:
            connection.sendall(piece)
        except ConnectionError:
            return True
        return False

    until(send, "the end of the connection")


def answer(connection: socket.socket) -> bytes:
    """The body of an answer of two bytes."""
    received = b""
    while len(received.partition(b"\r\n\r\n")[2]) < 2:
        more = connection.recv(65536)
        assert more, received
        received += more
    return received.partition(b"\r\n\r\n")[2]


def code(received: bytes) -> tuple[bytes, str]:
    """The status of a refusal, and its code."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return head.split()[1], json.loads(body)["error"]["code"]


@pytest.mark.parametrize("sent", [b"P", HEAD, HEAD + b"X-A: b"])
def test_a_head_that_stops_halfway_is_408(sent: bytes) -> None:
    with served(App(), limits(head=0.2)) as connect:
        connection = connect()
        connection.sendall(sent)

        assert code(rest(connection)) == (b"408", "request_timeout")


def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    with served(App(), limits(head=0.2)) as connect:
        assert rest(connect()) == b""


def test_a_head_that_trickles_is_ended_though_each_byte_comes_soon() -> None:
    with served(App(), limits(head=0.5)) as connect:
        connection = connect()
        connection.sendall(HEAD)
        trickle(connection, b"X")


@pytest.mark.parametrize(
    "lines", [b"Content-Length: 1000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1\r\n"]
)
def test_a_body_that_stops_halfway_is_408_and_the_app_sees_a_hang_up(lines: bytes) -> None:
    app = App()
    with served(app, limits(body=0.2)) as connect:
        connection = connect()
        connection.sendall(HEAD + lines)

        assert code(rest(connection)) == (b"408", "request_timeout")
        assert app.saw("begun")
        assert app.saw("hung up")


def test_a_body_that_trickles_is_ended() -> None:
    with served(App(), limits(body=0.5)) as connect:
        connection = connect()
        connection.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
        trickle(connection, b"x")


def test_a_body_that_trickles_on_after_its_answer_is_ended() -> None:
    with served(App(), limits(body=0.5)) as connect:
        connection = connect()
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        trickle(connection, b"x")


def test_the_head_after_an_answer_has_its_limit_too() -> None:
    with served(App(), limits(head=0.3)) as connect:
        connection = connect()
        connection.sendall(GET)
        first = answer(connection)
        connection.sendall(b"GET / HT")

        assert first == b"ok"
        assert code(rest(connection)) == (b"408", "request_timeout")


def test_a_connection_that_is_kept_for_the_next_request_is_not_ended_by_the_heads_limit() -> None:
    with served(App(), limits(head=0.2)) as connect:
        connection = connect()
        connection.sendall(GET)
        assert answer(connection) == b"ok"
        for _ in range(2):  # two others are ended meanwhile, so that its time would be over
            assert rest(connect()) == b""
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


def test_at_the_limit_the_connection_that_waited_longest_makes_room() -> None:
    with served(App(), limits(connections=3)) as connect:
        waiting = [connect() for _ in range(3)]
        for connection in waiting:
            connection.sendall(b"G")
        last = connect()
        last.sendall(GET)

        assert answer(last) == b"ok"
        assert rest(waiting[0]) == b""
        waiting[1].sendall(GET[1:])
        assert answer(waiting[1]) == b"ok"


def test_at_the_limit_a_body_that_comes_slowly_makes_room_too() -> None:
    app = App()
    with served(app, limits(connections=2, head=0.5)) as connect:
        for _ in range(2):
            connect().sendall(HEAD + b"Content-Length: 9\r\n\r\nx")
            assert app.saw("begun")

        def got_in() -> bool:
            last = connect()
            with contextlib.suppress(ConnectionError):
                last.sendall(GET)
                return last.recv(12) == b"HTTP/1.1 200"
            return False

        until(got_in, "the slow ones to be older than a head may be")


def test_where_every_connection_is_being_served_a_further_one_is_503() -> None:
    app = App()
    with served(app, limits(connections=2)) as connect:
        busy = [connect() for _ in range(2)]
        for connection in busy:
            connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert app.saw("begun")
        refused = code(rest(connect()))
        app.going.set()

        assert refused == (b"503", "overloaded")
        assert [answer(connection) for connection in busy] == [b"ok", b"ok"]


def test_a_peer_that_reads_nothing_is_ended() -> None:
    app = App()
    with served(app, limits(unread=0.5)) as connect:
        connect().sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")

        assert app.saw("begun")
        assert app.saw("hung up")


def test_a_peer_that_reads_slowly_gets_all() -> None:
    with served(App(), limits(unread=1.5)) as connect:
        connection = connect()
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = 0
        while more := connection.recv(400_000):
            received += len(more)
            time.sleep(0.1)  # so slow that all of it takes longer than the limit

        assert received > 24_000_000


@pytest.mark.parametrize("lines", [b"", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"])
def test_a_hang_up_is_seen_behind_further_requests(lines: bytes) -> None:
    app = App()
    with served(app, limits()) as connect:
        connection = connect()
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
        assert app.saw("begun")
        for _ in range(3):
            connection.sendall(GET)
        connection.shutdown(socket.SHUT_RDWR)

        assert app.saw("hung up")


def test_too_much_behind_a_request_ends_the_connection() -> None:
    app = App()
    with served(app, limits()) as connect:
        connection = connect()
        connection.sendall(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert app.saw("begun")
        trickle(connection, GET * 100)

        assert app.saw("hung up")


def half_open(gateway: Gateway, number: int) -> list[socket.socket]:
    """Connections on which a request began and does not go on."""
    connections = []
    for _ in range(number):
        connections.append(socket.create_connection(("127.0.0.1", gateway.port), PATIENCE))
        connections[-1].sendall(b"POST /act HTTP/1.1\r\n")
    return connections


def test_hundreds_of_half_open_connections_keep_nobody_out_and_are_closed(start: Start) -> None:
    gateway = start()
    connections = half_open(gateway, 300)
    healthy = gateway.run_action("report")

    assert healthy.status == 200
    assert {rest(connection)[:12] for connection in connections} <= {b"HTTP/1.1 408", b""}
    for connection in connections:
        connection.close()


def test_without_descriptors_the_log_stays_short_and_others_are_served_soon(start: Start) -> None:
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
