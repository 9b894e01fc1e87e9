"""The deadline of a request, shared by all of its steps."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Deadline:
    """A point on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def within(self, seconds: float) -> Deadline:
        """Return the sooner of this deadline and the one that many seconds from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))

    def left(self) -> float:
        """Return the remaining seconds; 0 after the deadline."""
        return max(0.0, self.at - time.monotonic())

    @property
    def spent(self) -> bool:
        """Whether the deadline has passed."""
        return self.left() == 0
