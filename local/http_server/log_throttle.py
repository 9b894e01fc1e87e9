"""Keep the log short under attack: throttle similar lines, and log exhaustion without traceback."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("chatd.local")

# The most lines of a kind, and in how many seconds.
_LINES, _SECONDS = 5, 10.0
# Kinds that are counted; one more resets all counts.
_KINDS = 200
_EXHAUSTED = {
    errno.EMFILE: "this process has no file descriptor left (ulimit -n raises the limit)",
    errno.ENFILE: "this machine has no file descriptor left",
    errno.ENOBUFS: "this machine has no memory left for connections",
    errno.ENOMEM: "this machine has no memory left",
}


class LogThrottle(logging.Filter):
    """Pass 5 lines of a kind in 10 s; the next line after that counts the suppressed ones.

    A kind is a logger and the text before its arguments are filled in; of asyncio, whose texts hold
    the addresses of objects, it is the logger.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        # For each kind: when its 10 s began, and how many lines there were since.
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the line."""
        kind = (record.name, "" if record.name == "asyncio" else str(record.msg))
        now = self._clock()
        began, lines = self._counts.get(kind, (now, 0))
        if now - began >= _SECONDS:
            if lines > _LINES:
                record.msg = f"{record.msg} (and {lines - _LINES} such lines before)"
            began, lines = now, 0
        if len(self._counts) >= _KINDS:
            self._counts.clear()
        self._counts[kind] = (began, lines + 1)
        return lines < _LINES


def handle_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an unhandled exception of the event loop; for `loop.set_exception_handler`.

    Where accept() finds no descriptor left, asyncio would write a traceback for each attempt. It
    tries again after 1 s.
    https://github.com/python/cpython/blob/3.13/Lib/asyncio/selector_events.py (_accept_connection)
    """
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        _log.warning("new connections wait: %s", _EXHAUSTED[error.errno])
    else:
        loop.default_exception_handler(context)
