"""Limit the log under attack: throttle similar lines, log exhausted resources in one line."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("chatd.local")

# The number of lines of a kind that pass within so many seconds.
_LINES, _SECONDS = 5, 10.0
# Kinds that are counted; a further kind resets all counts.
_KINDS = 200
_EXHAUSTED = {
    errno.EMFILE: "this process has no file descriptor left (ulimit -n raises the limit)",
    errno.ENFILE: "this machine has no file descriptor left",
    errno.ENOBUFS: "this machine has no memory left for connections",
    errno.ENOMEM: "this machine has no memory left",
}


class LogThrottle(logging.Filter):
    """Pass 5 lines of a kind in 10 s; the first line after 10 s counts the suppressed lines.

    A kind is a logger and a text without its arguments. All lines of asyncio are one kind, because
    its texts contain addresses of objects.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        # For each kind: the start of its 10 s, and the number of lines since then.
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
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
    """Log an unhandled exception of the event loop, as `loop.set_exception_handler` requires.

    Without a free descriptor, accept() fails. asyncio would log a traceback for each attempt, and
    retries after 1 s.
    https://github.com/python/cpython/blob/3.13/Lib/asyncio/selector_events.py (_accept_connection)
    """
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        _log.warning("new connections wait: %s", _EXHAUSTED[error.errno])
    else:
        loop.default_exception_handler(context)
