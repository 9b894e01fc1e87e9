"""An upstream on raw sockets that does with every attempt exactly what its script says.

It logs each attempt with its time and what it said. What there is to do, and to do wrong, is in
faults.py; it knows nothing of the gateway.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.dialect_streams import Asked, Spoken, understood, words
from tests.support.upstream import head

# Seconds that a connection's thread may take to end when the test is over.
_PATIENCE = 10.0


@dataclass(slots=True)
class Attempt:
    """One request, and what became of it.

    Attributes:
        at: When it had come, on the monotonic clock, in seconds.
        asked: The request.
        did: What the upstream did, by name.
        said: The tokens that it sent.
        whole: Whether it also sent that this was all.

    """

    at: float
    asked: Asked
    did: str = ""
    said: str = ""
    whole: bool = False


@dataclass(slots=True)
class Exchange:
    """One attempt from the upstream's side: what an act plays on.

    Attributes:
        connection: Where the request came from.
        attempt: Its entry in the log.
        text: The answer that would be right.
        going: Set when the test is over.
        kept: Whether the connection may carry another request.

    """

    connection: socket.socket
    attempt: Attempt
    text: str
    going: threading.Event
    kept: bool = False
    _chunked: bool = False
    _held: bytearray | None = None

    @property
    def asked(self) -> Asked:
        return self.attempt.asked

    @property
    def spoken(self) -> Spoken:
        """The right answer in pieces."""
        return self.asked.spoken(self.text)

    def begin(self, status: int = 200, **headers: str) -> None:
        """Send the head; the body is chunked unless a header says how it ends."""
        names = {"Content-Type": self.asked.content_type, **_spelt(headers)}
        self._chunked = not {"Content-Length", "Connection"} & names.keys()
        if self._chunked:
            names["Transfer-Encoding"] = "chunked"
        self.send(head(status, names))

    def say(self, tokens: int | None = None) -> None:
        """Send so many tokens of the answer, or all."""
        spoken = self.spoken
        # Before the caller can have them.
        self.attempt.said = "".join(words(self.text)[:tokens])
        for piece in (*spoken.lead, *spoken.tokens[:tokens]):
            self.piece(piece)

    def finish(self, *, whole: bool = True) -> None:
        """Send the end mark and the counts.

        Args:
            whole: What to note of the attempt, before the gateway can have the answer.

        """
        self.attempt.whole = whole
        for piece in self.spoken.end:
            self.piece(piece)

    def end(self) -> None:
        """End the response as a whole one ends, whatever was in it."""
        if self._chunked:
            self.send(b"0\r\n\r\n")
        self.kept = self._chunked

    def piece(self, data: bytes) -> None:
        """Send a piece of the body."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        if self._held is None:
            self.connection.sendall(data)
        else:
            self._held += data

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Send what the block sends in one piece, so that none of it comes later than the rest."""
        self._held = bytearray()
        yield
        self.connection.sendall(self._held)
        self._held = None

    def reset(self) -> None:
        """Have the connection end with a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait(self, seconds: float | None = None) -> bool:
        """Wait so long, or without end; whether the test still goes on."""
        return not self.going.wait(seconds)


@dataclass(frozen=True, slots=True)
class Act:
    """What an upstream does with a request; when `play` returns the connection is closed."""

    name: str
    play: Callable[[Exchange], None] = field(repr=False)


@dataclass(slots=True)
class Faulty:
    """An upstream: `script` says what it does with a request, `text` what it should answer."""

    port: int
    script: Callable[[Asked], Act]
    text: Callable[[Asked], str]
    attempts: list[Attempt] = field(default_factory=list)
    going: threading.Event = field(default_factory=threading.Event)
    _connections: dict[threading.Thread, socket.socket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the test is over."""
        while True:
            connection, _ = listener.accept()
            if self.going.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._converse, args=(connection,), name="upstream")
            with self._lock:
                self._connections[thread] = connection
            thread.start()

    def stop(self) -> None:
        """End every connection, whatever is going on there."""
        self.going.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes who waits for one
        for thread in self.hang_up():
            thread.join(_PATIENCE)
            assert not thread.is_alive()

    def hang_up(self) -> Sequence[threading.Thread]:
        """Shut every connection; the threads that served them end soon."""
        with self._lock:
            open_ones = dict(self._connections)
        for connection in open_ones.values():
            with suppress(OSError):  # the other end was faster
                connection.shutdown(socket.SHUT_RDWR)
        return tuple(open_ones)

    def _converse(self, connection: socket.socket) -> None:
        kept = True
        with suppress(OSError), connection:  # the gateway gave up first, as some tests want
            # A piece is sent when it is said, and not with the next.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while kept and (asked := _read(connection)) is not None:
                attempt = Attempt(time.monotonic(), asked)
                with self._lock:
                    act = self.script(asked)
                    attempt.did = act.name
                    self.attempts.append(attempt)
                exchange = Exchange(connection, attempt, self.text(asked), self.going)
                act.play(exchange)
                kept = exchange.kept
        with self._lock:
            del self._connections[threading.current_thread()]


@contextmanager
def faulty(script: Callable[[Asked], Act], text: Callable[[Asked], str]) -> Iterator[Faulty]:
    """Run an upstream for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        upstream = Faulty(listener.getsockname()[1], script, text)
        thread = threading.Thread(target=upstream.serve, args=(listener,), name="upstream")
        thread.start()
        try:
            yield upstream
        finally:
            upstream.stop()
            thread.join()


def _read(connection: socket.socket) -> Asked | None:
    """The next request; None if the other end closed instead."""
    received = bytearray()
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65536)):
            return None
        received += part
    first, _, rest = bytes(received).partition(b"\r\n\r\n")
    request_line, *lines = first.decode().split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = bytearray(rest)
    while len(body) < int(headers.get("content-length", 0)):
        if not (part := connection.recv(65536)):
            return None
        body += part
    return understood(request_line.split()[1], headers, bytes(body))


def _spelt(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by their names as they are sent: `content_length` is `Content-Length`."""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
