"""Run a provider on a real socket, with a test's script for responses and faults."""

from __future__ import annotations

import gzip
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Received:
    """A received request; header names are lower-case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Script = Callable[[socket.socket, Received], None]


@dataclass(slots=True)
class Upstream:
    """A provider: `script` answers each request, `received` logs the requests."""

    port: int
    script: Script
    received: list[Received] = field(default_factory=list)
    going: threading.Event = field(default_factory=threading.Event)
    """Set at the end of the test; ends a script that stalls."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Received:
        return self.received[-1]


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """Return a script for a whole response, bytes unchanged and other values as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return raw(head(status, {"Content-Length": str(len(content)), **(headers or {})}) + content)


def chunked(
    pieces: Iterable[bytes],
    content_type: str = "text/event-stream",
    headers: Mapping[str, str] | None = None,
) -> Script:
    """Return a script for a complete stream, one HTTP chunk per piece."""

    def script(connection: socket.socket, _received: Received) -> None:
        names = {"Content-Type": content_type, "Transfer-Encoding": "chunked", **(headers or {})}
        connection.sendall(head(200, names))
        for piece in pieces:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")

    return script


def gzipped(body: object) -> Script:
    return reply(gzip.compress(json.dumps(body).encode()), headers={"Content-Encoding": "gzip"})


def head(status: int, headers: Mapping[str, str]) -> bytes:
    phrases = {one.value: one.phrase for one in HTTPStatus}
    lines = [f"HTTP/1.1 {status} {phrases.get(status, 'Unregistered')}"]  # such as Anthropic's 529
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def raw(content: bytes) -> Script:
    """Return a script that sends these bytes."""

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(content)

    return script


def then_close(script: Script) -> Script:
    """Return a script that closes the connection after this one.

    A request that the gateway has already sent on the connection is not served.
    """

    def closing(connection: socket.socket, received: Received) -> None:
        script(connection, received)
        connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError

    return closing


def reset(connection: socket.socket, _received: Received) -> None:
    """Send a TCP reset before any byte."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # the handler's files would keep it open


@contextmanager
def upstream(script: Script, host: str = "127.0.0.1") -> Iterator[Upstream]:
    """Run a provider while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.path, headers, self.rfile.read(length), self.command)
            provider.received.append(received)
            try:
                provider.script(self.connection, received)
            except OSError:  # one of both ends closed, as some tests intend
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its parent's name
            """Write no log."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Ignore errors of connections that a script closed."""

    with Server((host, 0), Handler) as server:
        provider = Upstream(cast("tuple[str, int]", server.server_address)[1], script)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield provider
        finally:
            provider.going.set()
            server.shutdown()
            thread.join()


def trickling(provider: Upstream, content: Iterable[bytes], every: float) -> Script:
    """Return a script that sends a piece every `every` seconds, until the end of the test."""

    def script(connection: socket.socket, _received: Received) -> None:
        for piece in content:
            connection.sendall(piece)
            if provider.going.wait(every):
                return

    return script


def silent(provider: Upstream) -> Script:
    """Return a script that sends no byte until the end of the test."""

    def script(_connection: socket.socket, _received: Received) -> None:
        provider.going.wait()

    return script
