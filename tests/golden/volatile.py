"""Replace the values that differ from run to run."""

from __future__ import annotations

import re
import time
from typing import Any

from chatd import __version__

_NEAR_SECONDS = 600
_TIMES = ("created", "created_at", "completed_at")
_CALL_ID = re.compile(r"\bcall_[0-9a-f]{24}\b")
_VERSION = f"chatd/{__version__}"


class Masked:
    """Replaces volatile values; the list is complete.

    `created`, `created_at`, `completed_at`: a time close to now, which chatd sets, is `<now>`; a
    provider's own is kept.
    `latency_ms`: `<ms>`.
    A tool call id that chatd generates: `<call 1>`, `<call 2>`, in the order of appearance.
    The version in `chatd/<version>`: `chatd/<version>`.
    """

    def __init__(self) -> None:
        self._calls: dict[str, str] = {}

    def of(self, value: Any, name: str | None = None) -> Any:
        """Return a JSON value with its volatile parts replaced.

        Args:
            value: The value.
            name: The field that holds it, if an object does.

        """
        if isinstance(value, dict):
            return {self._text(key): self.of(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        if name == "latency_ms" and isinstance(value, int):
            return "<ms>"
        if name in _TIMES and isinstance(value, int):
            return "<now>" if abs(value - time.time()) < _NEAR_SECONDS else value
        return value

    def _text(self, text: str) -> str:
        for found in _CALL_ID.findall(text):
            self._calls.setdefault(found, f"<call {len(self._calls) + 1}>")
            text = text.replace(found, self._calls[found])
        return text.replace(_VERSION, "chatd/<version>")
