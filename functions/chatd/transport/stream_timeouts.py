"""Select the limit of time that applies while a stream is read."""

from __future__ import annotations

import time

from chatd.config.provider import Timeouts
from chatd.deadline import Deadline

# Seconds to wait for the last bytes of a stream after its end mark.
_DRAIN_SECONDS = 0.5
# Seconds for which a caller holds a chunk before a lost connection may be the caller's fault.
# nginx gives up writing after 60 s: https://nginx.org/en/docs/http/ngx_http_core_module.html#send_timeout
# gunicorn ends a worker after 30 s, and private gateways may have shorter limits.
_SLOW_CALLER_SECONDS = 5.0


class StreamLimits:
    """The limits of time of one stream.

    A limit counts only while the gateway waits for the provider: while the caller of `chunks` holds
    a chunk, only the deadline counts. The provider is not to blame for a slow caller.

    Attributes:
        deadline: The deadline of the last byte.
        caller_was_slow: Whether the caller held a chunk so long that the provider may have stopped
            writing.

    """

    def __init__(self, deadline: Deadline, limits: Timeouts) -> None:
        self.deadline = deadline
        self.caller_was_slow = False
        self._limits = limits
        self._first_event = deadline.within(limits.first_event)
        self._begun = False
        self._step_began = time.monotonic()
        # Seconds left for the last bytes, after the end mark.
        self._drain: float | None = None

    def begin(self) -> None:
        """Note the first event: from now on the gap limit applies."""
        self._begun = True

    def end(self) -> None:
        """Note the end mark: any further bytes must arrive soon."""
        if self._drain is None:
            self._drain = _DRAIN_SECONDS

    @property
    def draining(self) -> float | None:
        """Return the seconds left for the last bytes; None before the end mark."""
        return self._drain

    def begin_wait(self) -> Deadline:
        """Begin to wait for the provider; return the deadline of its next bytes."""
        now = time.monotonic()
        if now - self._step_began > _SLOW_CALLER_SECONDS:
            self.caller_was_slow = True
        self._step_began = now
        if self._begun:
            return Deadline(min(self.deadline.at, now + self._limits.gap))
        return Deadline(min(self._first_event.at, now + self._limits.silence))

    def end_wait(self) -> None:
        """End the wait: bytes arrived."""
        now = time.monotonic()
        if self._drain is not None:
            self._drain -= now - self._step_began
        self._step_began = now
