"""Serve a fake Lambda Runtime API with access to each received chunk.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATIENCE = 30.0
INVOCATION = "the-invocation"


@dataclass
class Post:
    """Receive one post of the runtime, chunk by chunk.

    Attributes:
        complete: Whether the body ended as HTTP requires.

    """

    path: str
    headers: dict[str, str]
    trailers: dict[str, str] = field(default_factory=dict)
    complete: bool = False
    _chunks: queue.SimpleQueue[bytes | None] = field(default_factory=queue.SimpleQueue)

    def next_chunk(self) -> bytes | None:
        """Wait for the next chunk; return None at the end."""
        return self._chunks.get(timeout=PATIENCE)

    def remaining_chunks(self) -> list[bytes]:
        """Wait for the end, and return the remaining chunks."""
        return list(iter(self.next_chunk, None))

    def add_chunk(self, chunk: bytes | None) -> None:
        self._chunks.put(chunk)


class RuntimeApi:
    """Serve the Runtime API to one function.

    Attributes:
        loses_after: Number of chunks before a connection reset; None never resets.
        status: Status of the response to a post.
        snapshots: Paths of the runtime's calls that permit a snapshot.
        restored: Set by the test to let the runtime continue after a snapshot.

    """

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.posts: queue.SimpleQueue[Post] = queue.SimpleQueue()
        self.loses_after: int | None = None
        self.status = 202
        self.snapshots: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.restored = threading.Event()
        self._server = _Server(self)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def invoke(self, invoke_id: str, event: bytes) -> Post:
        """Send an event, and return the post with the runtime's response."""
        self.events.put((invoke_id, event))
        return self.next_post()

    def next_snapshot(self) -> str:
        """Wait until the runtime permits a snapshot, and return the path of that call."""
        return self.snapshots.get(timeout=PATIENCE)

    def next_post(self) -> Post:
        return self.posts.get(timeout=PATIENCE)

    @contextmanager
    def running(self) -> Iterator[None]:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: RuntimeApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/runtime/restore/next"):
            self.server.api.snapshots.put(self.path)
            self.server.api.restored.wait(PATIENCE)
            self._answer(200, {}, b"")
            return
        event = self.server.api.events.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": event[0],
            "Lambda-Runtime-Invocation-Id": INVOCATION,
            "Lambda-Runtime-Trace-Id": f"Root={event[0]}",
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Content-Type": "application/json",
        }
        self._answer(200, headers, event[1])

    def do_POST(self) -> None:
        post = Post(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.api.posts.put(post)
        try:
            post.complete = self._body(post)
        finally:
            post.add_chunk(None)
        if post.complete:
            self._answer(self.server.api.status, {}, b"")
        self.close_connection = True

    def _body(self, post: Post) -> bool:
        if "content-length" in post.headers:
            post.add_chunk(self.rfile.read(int(post.headers["content-length"])))
            return True
        number = 0
        while size := int(self.rfile.readline() or b"-1", 16):
            if size < 0 or number == self.server.api.loses_after:
                self._reset_connection()
                return False
            post.add_chunk(self.rfile.read(size))
            number += 1
            assert self.rfile.readline() == b"\r\n"
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            post.trailers[name] = value.strip()
        return True

    def _reset_connection(self) -> None:
        reset = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self.connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass
