"""Write log lines to standard output for CloudWatch: one JSON object per line.

A line that cannot be written does not fail the chat, because the answer is paid for. The lost lines
are counted, and the count is logged once writing works again.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_SERVICE = "chatd"


class _Output:
    """Standard output, with a count of lost lines."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = 0

    def write(self, lines: tuple[str, ...]) -> None:
        """Write lines, or count the lost lines if standard output is closed, full or not read."""
        with self._lock:
            lost = self._lost
            if lost:
                # An earlier line may have been cut off: begin a new one.
                message = f"{lost} lines of the log could not be written"
                lines = ("", line("WARNING", message, {}), *lines)
            try:
                # Flushed at once: Lambda may freeze the environment right after.
                sys.stdout.write("\n".join((*lines, "")))
                sys.stdout.flush()
            except (OSError, ValueError, AttributeError):  # ValueError: closed; the last: no stdout
                self._lost += len(lines) - (2 if lost else 0)
            else:
                self._lost = 0


_output = _Output()


def write(*lines: str) -> None:
    """Write whole lines; a failed write raises no error."""
    _output.write(lines)


def line(level: str, message: str, more: Mapping[str, Any]) -> str:
    """Write a log line as JSON, with the keys of Powertools' Logger."""
    second, rest = divmod(time.time(), 1)
    when = f"{_second(second)},{int(rest * 1000):03}+0000"
    fields = {"level": level, "message": message, "timestamp": when, "service": _SERVICE, **more}
    return json.dumps(fields)


@lru_cache(maxsize=1)
def _second(second: float) -> str:
    """Write a second since 1970 as the log does."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
