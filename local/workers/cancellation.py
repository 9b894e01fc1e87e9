"""Callbacks that cancel a request when the caller hangs up.

The thread that listens to the front cancels; the thread that runs the handler registers.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable


class Cancellation:
    """Callbacks that run once, when the request is cancelled, or at once after that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._cancelled = False

    def add(self, callback: Callable[[], None]) -> None:
        """Run `callback` when the request is cancelled."""
        with self._lock:
            if not self._cancelled:
                self._callbacks.append(callback)
                return
        _run(callback)

    def cancel(self) -> None:
        """Cancel the request, from any thread."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _run(callback)


def _run(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:  # noqa: BLE001  # a callback may raise anything; the others must run too
        traceback.print_exc()
