"""An answer that is sent while it is made: what a door returns instead of a whole response.

Whoever called the door pours it into a sink: the Lambda runtime, the local server's worker, or a
buffer where the platform cannot stream. It knows bytes and time, and nothing of chats.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

# Gateways cut a connection that is idle for some time; a comment now and then keeps it open.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes
HEARTBEAT_SECONDS = 15.0
_COMMENT = b": keep-alive\n\n"


class CallerGoneError(Exception):
    """The caller hung up: nothing that is written reaches anybody."""


class Sink(Protocol):
    """Where a live answer goes."""

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        """Send the status and the headers; called once, before the first write.

        Raises:
            CallerGoneError: If the caller hung up.

        """

    def write(self, data: bytes) -> None:
        """Send some of the body, at once.

        Raises:
            CallerGoneError: If the caller hung up.

        """


class StreamingResponse(Protocol):
    """An answer in the making."""

    def write_to(self, sink: Sink) -> None:
        """Make the answer and send it. Raises nothing that is the answer's own fault.

        It commits exactly once, also when it fails, unless the caller is gone.
        """

    def abort(self) -> None:
        """Stop making it, from any thread: the caller is gone."""


class HeartbeatSink:
    """A sink that is kept awake: silence is broken by a comment every 15 s.

    The comment comes from a thread of its own, since the one that makes the answer waits for the
    provider. The first one commits the response, and what fails after it fails within the stream.

    Args:
        sink: Where everything goes.
        headers: Gives the headers of the response at the moment when it is committed.
        gone: Called once if the comment finds the caller gone.
        every: Seconds of silence.

    """

    def __init__(
        self,
        sink: Sink,
        headers: Callable[[], Mapping[str, str]],
        gone: Callable[[], None],
        every: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._sink = sink
        self._headers = headers
        self._gone = gone
        self._every = every
        self._lock = threading.Lock()
        self._written_at = time.monotonic()
        self._done = threading.Event()
        self.committed = False

    def refuse(self, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Answer with a failure's own status, if there is still time; whether there was."""
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
        """Break silences for as long as the block lasts."""
        heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        heart.start()
        try:
            yield
        finally:
            self._done.set()
            heart.join()  # nothing may be written after the answer

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
                    self._gone()
                    return


class Collected:
    """A sink that keeps everything, where the platform takes an answer only whole."""

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
