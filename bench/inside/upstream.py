"""Run the bench upstream: a process that responds at once, with bytes prepared in advance.

Of a request, only the length, the model and the `stream` flag are read. The model's name describes
the response (`Model`). `GET /last` returns the last request, so a bare client can send the same
bytes as the gateway.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.inside import dialects

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_STREAM = re.compile(rb'"stream": ?true')
# Bedrock has both in the path.
_STREAM_PATH = "-stream"
_MODEL = re.compile(rb'"model": ?"([^"]*)"|/model/([^/]*)/')
_PLAIN = re.compile(rb"m(\d+)x(\d+)s(\d+)c(\d+)")


@dataclass(frozen=True, slots=True)
class Model:
    """Description of a response, encoded in a model's name.

    Attributes:
        chunks: Number of a stream's events with text.
        gap: Microseconds from one event to the next; 0 sends all at once.
        status: HTTP status.
        characters: Length of a whole response's text.

    """

    chunks: int = 8
    gap: int = 0
    status: int = 200
    characters: int = 40

    @property
    def name(self) -> str:
        """Return the model's name."""
        return f"m{self.chunks}x{self.gap}s{self.status}c{self.characters}"

    @classmethod
    def of(cls, body: bytes | bytearray) -> Model:
        """Return the model of a request's body, or of its path."""
        name = _MODEL.search(body)
        numbers = _PLAIN.search(name[1] or name[2]) if name else None
        return cls(*map(int, numbers.groups())) if numbers else cls()


@contextmanager
def running(host: str = "127.0.0.1") -> Iterator[str]:
    """Run the upstream as a process while the block lasts; yield its URL."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.inside.upstream", host, str(write)], pass_fds=(write,)
    )
    os.close(write)
    try:
        with os.fdopen(read) as port:
            yield f"http://{host}:{port.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def serve(host: str, port_output: int) -> None:
    """Respond until killed; `port_output` is the descriptor to which the port is written."""
    with socket.create_server((host, 0), backlog=256) as listener:
        os.write(port_output, f"{listener.getsockname()[1]}\n".encode())
        os.close(port_output)
        last: list[tuple[bytes, bytes]] = [(b"", b"")]
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_serve_connection, args=(connection, last), daemon=True).start()


def _serve_connection(connection: socket.socket, last: list[tuple[bytes, bytes]]) -> None:
    buffer = bytearray()
    try:
        while request := _next(connection, buffer):
            head, body = request
            method, path = head.split(b" ", 2)[:2]
            if method == b"GET":
                connection.sendall(dialects.response(200, _as_json(*last[0])))
                continue
            last[0] = request
            _respond(connection, path.decode(), body)
    except OSError:
        pass  # the client has closed the connection
    finally:
        connection.close()


def _next(connection: socket.socket, buffer: bytearray) -> tuple[bytes, bytes] | None:
    """Return the next request's head and body, or None after the client has closed."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        if not _receive(connection, buffer):
            return None
    head = bytes(buffer[:end])
    del buffer[: end + 4]
    if _CHUNKED.search(head):
        while not buffer.endswith(b"0\r\n\r\n"):
            if not _receive(connection, buffer):
                return None
        size = len(buffer)
    else:
        length = _LENGTH.search(head)
        size = int(length[1]) if length else 0
        while len(buffer) < size:
            if not _receive(connection, buffer):
                return None
    body = bytes(buffer[:size])
    del buffer[:size]
    return head, body


def _receive(connection: socket.socket, buffer: bytearray) -> bool:
    data = connection.recv(1 << 18)
    buffer += data
    return bool(data)


def _respond(connection: socket.socket, path: str, body: bytes) -> None:
    if path.startswith("/2018-06-01/"):
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        return
    model = Model.of(path.encode() if "/model/" in path else body)
    end = dialects.endpoint(path)
    if model.status != 200:  # noqa: PLR2004  # OK
        connection.sendall(dialects.failure(model.status))
    elif not (path.endswith(_STREAM_PATH) or _STREAM.search(body)):
        connection.sendall(dialects.whole(end, model.characters))
    elif model.gap == 0:
        connection.sendall(_joined(end, model.chunks))
    else:
        _trickle(connection, dialects.streamed(end, model.chunks), model.gap / 1e6)


_blobs: dict[tuple[str, int], bytes] = {}


def _joined(end: str, chunks: int) -> bytes:
    if (end, chunks) not in _blobs:
        _blobs[end, chunks] = b"".join(dialects.streamed(end, chunks))
    return _blobs[end, chunks]


def _trickle(connection: socket.socket, pieces: tuple[bytes, ...], gap: float) -> None:
    head, first, *rest = pieces
    connection.sendall(head + first)
    at = time.monotonic()
    for piece in rest:
        at += gap
        time.sleep(max(0.0, at - time.monotonic()))
        connection.sendall(piece)


def _as_json(head: bytes, body: bytes) -> bytes:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path = first.split(" ", 2)[:2] if first else ("", "")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return json.dumps(
        {"method": method, "path": path, "headers": headers, "body": body.decode()}
    ).encode()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
