"""Serve the Runtime API, Secrets Manager and a provider for one container."""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT = 120.0  # seconds
_SECRET = {"SecretString": json.dumps({"OPENROUTER_API_KEY": "sk-none"})}
_ANSWER = {
    "model": "m",
    "choices": [{"index": 0, "message": {"content": "Hello!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


class Services(ThreadingHTTPServer):
    """Serve the Runtime API, Secrets Manager and a provider without latency, on one port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.polled: queue.SimpleQueue[float] = queue.SimpleQueue()
        self.events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.responses: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self.barrier: threading.Barrier | None = None

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self.server_port}"

    def chat(self, words: int = 1) -> float:
        """Send the function a chat; return the seconds from the event to the response.

        Raises:
            RuntimeError: If the chat fails.

        """
        data = chat_event(words)
        start = time.perf_counter()
        self.events.put(data)
        return self._ended() - start

    def chats(self, number: int) -> None:
        """Send concurrent chats; the provider responds after the last has arrived.

        Raises:
            RuntimeError: If a chat fails.

        """
        self.barrier = threading.Barrier(number, timeout=TIMEOUT)
        for _ in range(number):
            self.events.put(chat_event())
        for _ in range(number):
            self._ended()
        self.barrier = None

    def _ended(self) -> float:
        ended, answer = self.responses.get(timeout=TIMEOUT)
        if b"Hello!" not in answer:
            raise RuntimeError(f"the chat failed: {answer.decode()[:500]}")
        return ended


class _Handler(BaseHTTPRequestHandler):
    server: Services
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path.endswith("/restore/next"):
            self._answer(b"")
            return
        self.server.polled.put(time.time())
        event = self.server.events.get()
        self._answer(
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": "a-chat",
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + TIMEOUT) * 1000)),
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/runtime/" in self.path:
            self.server.responses.put((time.perf_counter(), body))
            self._answer(b"", status=202)
        elif self.path == "/":
            self._answer(json.dumps(_SECRET).encode())
        else:
            if self.server.barrier is not None:
                self.server.barrier.wait()
            self._answer(json.dumps(_ANSWER).encode())

    def _answer(
        self, body: bytes, headers: Mapping[str, str] | None = None, status: int = 200
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Write no log."""


@contextmanager
def running_services() -> Iterator[Services]:
    """Run the services while the block lasts."""
    with Services() as services:
        threading.Thread(target=services.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield services
        finally:
            services.shutdown()


def chat_event(words: int = 1) -> bytes:
    """Return a direct invocation's event: one user turn of so many words."""
    turn = {"role": "user", "content": "word " * words}
    return json.dumps({"model": "openrouter/m", "messages": [turn]}).encode()
