"""Tell which limit of time holds while a stream is read."""

from __future__ import annotations

import time

from chatd.config.catalog import Timeouts
from chatd.deadline import Deadline

# Seconds that may be waited for a stream's last bytes once its end has been seen.
_DRAIN_SECONDS = 0.5
# Seconds for which a caller may hold a chunk before a lost connection can be the caller's doing.
# nginx gives up writing after 60 s: https://nginx.org/en/docs/http/ngx_http_core_module.html#send_timeout
# gunicorn ends a worker after 30 s, and private gateways may have less patience.
_SLOW_CALLER_SECONDS = 5.0


class StreamLimits:
    """Which limit holds while a stream is read.

    A limit counts only while the gateway waits for the provider: while the caller of `chunks` holds
    a chunk, only the deadline counts. The provider is not to blame for a slow caller.

    Attributes:
        deadline: When the last byte must have come.
        caller_was_slow: Whether the caller once held a chunk so long that the provider may have
            given up writing.

    """

    def __init__(self, deadline: Deadline, limits: Timeouts) -> None:
        self.deadline = deadline
        self.caller_was_slow = False
        self._limits = limits
        self._first_event = deadline.within(limits.first_event)
        self._begun = False
        self._held_since = time.monotonic()
        # Seconds that may still be waited for the last bytes, once the end mark is there.
        self._drain: float | None = None

    def begin(self) -> None:
        """The first event is there: from now on the gap limit holds."""
        self._begun = True

    def end(self) -> None:
        """The end mark is there: what follows must come soon."""
        if self._drain is None:
            self._drain = _DRAIN_SECONDS

    @property
    def draining(self) -> float | None:
        """Seconds that may still be waited for the last bytes; None before the end mark."""
        return self._drain

    def wait(self) -> Deadline:
        """Begin to wait for the provider; by when it must have sent something."""
        now = time.monotonic()
        if now - self._held_since > _SLOW_CALLER_SECONDS:
            self.caller_was_slow = True
        self._held_since = now
        if self._begun:
            return Deadline(min(self.deadline.at, now + self._limits.gap))
        return Deadline(min(self._first_event.at, now + self._limits.silence))

    def hold(self) -> None:
        """End the wait: the provider has sent something."""
        now = time.monotonic()
        if self._drain is not None:
            self._drain -= now - self._held_since
        self._held_since = now
