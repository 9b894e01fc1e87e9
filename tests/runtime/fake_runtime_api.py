"""A stand-in for Lambda's Runtime API that shows each chunk when it arrives.

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
    """What the runtime posts, while it does.

    Attributes:
        whole: Whether the body ended as HTTP wants it to.

    """

    path: str
    headers: dict[str, str]
    trailers: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    _chunks: queue.SimpleQueue[bytes | None] = field(default_factory=queue.SimpleQueue)

    def next(self) -> bytes | None:
        """The next chunk, as soon as it is there; None at the end."""
        return self._chunks.get(timeout=PATIENCE)

    def rest(self) -> list[bytes]:
        """The chunks that are still to come, once the last has come."""
        return list(iter(self.next, None))

    def arrived(self, chunk: bytes | None) -> None:
        self._chunks.put(chunk)


class RuntimeApi:
    """The Runtime API.

    Attributes:
        loses: After how many chunks it loses the connection, if it does.
        status: What it answers to a post.
        snapshots: Has an item for each snapshot that the runtime lets it take.
        restored: Set when the runtime may go on after that.

    """

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self.posts: queue.SimpleQueue[Post] = queue.SimpleQueue()
        self.loses: int | None = None
        self.status = 202
        self.snapshots: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.restored = threading.Event()
        self._server = _Server(self)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def invoke(self, invoke_id: str, event: bytes) -> Post:
        """What the runtime begins to answer to an event."""
        self.events.put((invoke_id, event))
        return self.posted()

    def snapshot(self) -> str:
        """The path at which the runtime says that the snapshot may be taken, once it does."""
        return self.snapshots.get(timeout=PATIENCE)

    def posted(self) -> Post:
        return self.posts.get(timeout=PATIENCE)

    @contextmanager
    def serving(self) -> Iterator[None]:
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
            post.whole = self._body(post)
        finally:
            post.arrived(None)
        if post.whole:
            self._answer(self.server.api.status, {}, b"")
        self.close_connection = True

    def _body(self, post: Post) -> bool:
        if "content-length" in post.headers:
            post.arrived(self.rfile.read(int(post.headers["content-length"])))
            return True
        number = 0
        while size := int(self.rfile.readline() or b"-1", 16):
            if size < 0 or number == self.server.api.loses:
                self._lose()
                return False
            post.arrived(self.rfile.read(size))
            number += 1
            assert self.rfile.readline() == b"\r\n"
        while (line := self.rfile.readline()) != b"\r\n":
            name, _, value = line.decode().partition(":")
            post.trailers[name] = value.strip()
        return True

    def _lose(self) -> None:
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
