"""Write a streaming response to a sink, and keep the connection open during silences.

A handler returns a streaming response instead of a whole one. The Lambda runtime, the worker of
`make run`, or a buffer where the platform cannot stream, gives it a sink to write to.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

# Gateways cut idle connections; a comment every 15 s keeps them open.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes
HEARTBEAT_SECONDS = 15.0
_COMMENT = b": keep-alive\n\n"


class CallerGoneError(Exception):
    """The caller hung up, so further writes fail."""


class Sink(Protocol):
    """The destination of a streaming response."""

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers; called once, before the first write.

        Raises:
            CallerGoneError: If the caller hung up.

        """

    def write(self, data: bytes) -> None:
        """Send a piece of the body at once.

        Raises:
            CallerGoneError: If the caller hung up.

        """


class StreamingResponse(Protocol):
    """A response that is written while the provider sends."""

    def write_to(self, sink: Sink) -> None:
        """Write the response; report a failed chat in the response, without raising.

        The response is committed exactly once, also on failure, unless the caller hung up.
        """

    def abort(self) -> None:
        """Stop the response, from any thread: the caller hung up."""


class HeartbeatSink:
    """A sink that sends a comment after every 15 s of silence.

    A thread of its own sends the comment, because the response's thread waits for the provider.
    The first comment commits the response; a later failure is reported within the stream.

    Args:
        sink: The destination.
        headers: Returns the headers of the response when it is committed.
        on_hang_up: Called once if a comment cannot be sent because the caller hung up.
        every: Seconds of silence.

    """

    def __init__(
        self,
        sink: Sink,
        headers: Callable[[], Mapping[str, str]],
        on_hang_up: Callable[[], None],
        every: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._sink = sink
        self._headers = headers
        self._on_hang_up = on_hang_up
        self._every = every
        self._lock = threading.Lock()
        self._written_at = time.monotonic()
        self._done = threading.Event()
        self.committed = False

    def refuse(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Send a failure with its own status and return True; once committed, return False."""
        with self._lock:
            if self.committed:
                return False
            self.committed = True
            self._sink.commit(status, {**self._headers(), **headers})
            self._sink.write(body)
            return True

    def write(self, data: bytes) -> None:
        """Send a piece of the stream."""
        with self._lock:
            self._begin()
            self._sink.write(data)
            self._written_at = time.monotonic()

    @contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Send comments into silences for the duration of the block."""
        thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join()  # nothing may be written after the response

    def _begin(self) -> None:
        if not self.committed:
            self.committed = True
            self._sink.commit(200, {"Content-Type": "text/event-stream", **self._headers()})

    def _beat(self) -> None:
        while not self._done.wait(self._written_at + self._every - time.monotonic()):
            if time.monotonic() - self._written_at >= self._every:
                try:
                    self.write(_COMMENT)
                except CallerGoneError:
                    self._on_hang_up()
                    return


class Collected:
    """A sink that collects the response for a platform that takes only whole ones."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Keep the status and the headers."""
        self.status = status
        self.headers = dict(headers)

    def write(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self.body += data
