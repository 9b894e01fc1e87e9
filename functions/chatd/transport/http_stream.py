"""Read the body of a provider's response in chunks, within the limits of time and size."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection

from chatd.errors import AnswerTooLargeError
from chatd.transport.failures import timeout_error, to_upstream_error
from chatd.transport.stream_timeouts import StreamLimits
from chatd.transport.watchdog import Guard
from chatd.upstream_http import HttpResponse

MAX_ANSWER_BYTES = 20 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


class Urllib3Stream:
    """A urllib3 response with its body in chunks on arrival."""

    def __init__(self, raw: urllib3.BaseHTTPResponse, guard: Guard, clock: StreamLimits) -> None:
        self._raw = raw
        self._guard = guard
        self._clock = clock
        self._is_complete = False
        headers = {name.lower(): value for name, value in raw.headers.items()}
        self.response = HttpResponse(raw.status, headers, b"")
        guard.pause(clock.deadline)

    def chunks(self) -> Iterator[bytes]:
        """Yield the decoded body in chunks on arrival."""
        size = 0
        while chunk := self._next():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise AnswerTooLargeError(
                    f"the answer is larger than {MAX_ANSWER_BYTES // 1024 // 1024} MB"
                )
            yield chunk
        self._is_complete = True

    @property
    def caller_was_slow(self) -> bool:
        """Whether the caller held chunks so long that the provider may have stopped writing."""
        return self._clock.caller_was_slow

    def note_first_event(self) -> None:
        """Note the first event: from now on the gap limit applies."""
        self._clock.begin()

    def note_end(self) -> None:
        """Note the end mark: any further bytes must arrive soon."""
        self._clock.end()

    def close(self) -> None:
        """Keep the connection for reuse after a complete body; otherwise close the connection."""
        if self._is_complete:
            self._raw.release_conn()
        else:
            self._raw.close()
        self._guard.end()

    def _next(self) -> bytes:
        """Wait for the next chunk within the current limit; return b"" at the end."""
        limit = self._clock.begin_wait()
        seconds_left = self._clock.draining
        if seconds_left is None:
            self._guard.move(limit)
        elif seconds_left <= 0:  # bytes still arrive, but too late
            raise timeout_error()
        else:
            self._guard.move(
                limit if self._set_read_timeout(seconds_left) else limit.within(seconds_left)
            )
        try:
            chunk = self._raw.read1(_CHUNK_BYTES, decode_content=True)
        except (exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            raise to_upstream_error(error, self._guard, limit) from None
        self._guard.pause(self._clock.deadline)
        self._clock.end_wait()
        if self._guard.fired:  # a shut socket can look like the end of the answer
            raise timeout_error()
        return chunk

    def _set_read_timeout(self, seconds: float) -> bool:
        """Limit the next read by the socket's own timeout; return whether the socket allows this.

        The rest has nearly always arrived, and a nearer deadline would wake the watchdog.
        """
        connection = self._raw.connection
        if not isinstance(connection, HTTPConnection) or connection.sock is None:
            return False
        connection.sock.settimeout(seconds)
        return True
