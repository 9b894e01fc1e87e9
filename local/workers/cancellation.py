"""Run callbacks when a caller hangs up.

The thread that runs the handler adds callbacks; the thread that receives messages runs them.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable


class Cancellation:
    """The callbacks of one request, which run once when the request is cancelled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._cancelled = False

    def add(self, callback: Callable[[], None]) -> None:
        """Add a callback; a callback added after the cancellation runs at once."""
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        _run(callback)

    def cancel(self) -> None:
        """Cancel the request; callable from any thread."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _run(callback)


def _run(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001  # a callback may raise anything; other callbacks must run
        traceback.print_exc()
