"""Run an upstream on raw sockets, with an act of faults.py per attempt, and log each attempt."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.support.dialect_streams import ChatRequest, ResponsePieces, parse_request, words
from tests.support.upstream import head

# Seconds within which a connection's thread ends after the test.
_JOIN_SECONDS = 10.0


@dataclass(slots=True)
class Attempt:
    """One request, and the upstream's response.

    Attributes:
        at: Time of the request, in seconds of the monotonic clock.
        request: The request.
        act: The name of the upstream's act.
        text: The tokens sent.
        whole: Whether the end mark was sent, too.

    """

    at: float
    request: ChatRequest
    act: str = ""
    text: str = ""
    whole: bool = False


@dataclass(slots=True)
class Exchange:
    """One attempt on the upstream's side, for an act to respond to.

    Attributes:
        connection: The connection of the request.
        attempt: The attempt's entry in the log.
        text: The text of a valid response.
        stopping: Set at the end of the test.
        kept: Whether the connection stays open for another request.

    """

    connection: socket.socket
    attempt: Attempt
    text: str
    stopping: threading.Event
    kept: bool = False
    _chunked: bool = False
    _held: bytearray | None = None

    @property
    def request(self) -> ChatRequest:
        return self.attempt.request

    @property
    def response(self) -> ResponsePieces:
        """Return the valid response in pieces."""
        return self.request.response(self.text)

    def send_head(self, status: int = 200, **headers: str) -> None:
        """Send the head; the body is chunked unless a header gives its end."""
        names = {"Content-Type": self.request.content_type, **_wire_names(headers)}
        self._chunked = not {"Content-Length", "Connection"} & names.keys()
        if self._chunked:
            names["Transfer-Encoding"] = "chunked"
        self.send(head(status, names))

    def send_tokens(self, tokens: int | None = None) -> None:
        """Send the first `tokens` tokens of the response, or all."""
        response = self.response
        # Before the gateway can receive the tokens.
        self.attempt.text = "".join(words(self.text)[:tokens])
        for piece in (*response.lead, *response.tokens[:tokens]):
            self.send_piece(piece)

    def send_end(self, *, whole: bool = True) -> None:
        """Send the end mark and the counts.

        Args:
            whole: Whether to log the attempt as whole.

        """
        self.attempt.whole = whole
        for piece in self.response.end:
            self.send_piece(piece)

    def end_response(self) -> None:
        """Send the end of the HTTP response."""
        if self._chunked:
            self.send(b"0\r\n\r\n")
        self.kept = self._chunked

    def send_piece(self, data: bytes) -> None:
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
        """Send all bytes of the block at once."""
        self._held = bytearray()
        yield
        self.connection.sendall(self._held)
        self._held = None

    def reset(self) -> None:
        """Make the connection's close a TCP reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait(self, seconds: float | None = None) -> bool:
        """Wait `seconds`, or until the end of the test; return False at the end of the test."""
        return not self.stopping.wait(seconds)


@dataclass(frozen=True, slots=True)
class Act:
    """An upstream's act on a request; the connection closes when `play` returns."""

    name: str
    play: Callable[[Exchange], None] = field(repr=False)


@dataclass(slots=True)
class FaultyUpstream:
    """An upstream: `script` returns the act for a request, `text` the text of a valid response."""

    port: int
    script: Callable[[ChatRequest], Act]
    text: Callable[[ChatRequest], str]
    attempts: list[Attempt] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    _connections: dict[threading.Thread, socket.socket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, listener: socket.socket) -> None:
        """Accept connections until the end of the test."""
        while True:
            connection, _ = listener.accept()
            if self.stopping.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection,), name="upstream")
            with self._lock:
                self._connections[thread] = connection
            thread.start()

    def stop(self) -> None:
        """Close every connection, and join its thread."""
        self.stopping.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes `accept`
        for thread in self.hang_up():
            thread.join(_JOIN_SECONDS)
            assert not thread.is_alive()

    def hang_up(self) -> Sequence[threading.Thread]:
        """Shut down every connection; return their threads, which end soon."""
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            with suppress(OSError):  # already closed by the gateway
                connection.shutdown(socket.SHUT_RDWR)
        return tuple(connections)

    def _serve(self, connection: socket.socket) -> None:
        kept = True
        with suppress(OSError), connection:  # the gateway closed first, as some tests intend
            # Each piece is sent at once, and not with the next.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while kept and (request := _read_request(connection)) is not None:
                attempt = Attempt(time.monotonic(), request)
                with self._lock:
                    act = self.script(request)
                    attempt.act = act.name
                    self.attempts.append(attempt)
                exchange = Exchange(connection, attempt, self.text(request), self.stopping)
                act.play(exchange)
                kept = exchange.kept
        with self._lock:
            del self._connections[threading.current_thread()]


@contextmanager
def faulty_upstream(
    script: Callable[[ChatRequest], Act], text: Callable[[ChatRequest], str]
) -> Iterator[FaultyUpstream]:
    """Run an upstream while the block lasts."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        upstream = FaultyUpstream(listener.getsockname()[1], script, text)
        thread = threading.Thread(target=upstream.serve, args=(listener,), name="upstream")
        thread.start()
        try:
            yield upstream
        finally:
            upstream.stop()
            thread.join()


def _read_request(connection: socket.socket) -> ChatRequest | None:
    """Return the next request, or None if the gateway closed the connection."""
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
    return parse_request(request_line.split()[1], headers, bytes(body))


def _wire_names(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by their names on the wire: `content_length` is `Content-Length`."""
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
