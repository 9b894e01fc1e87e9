"""When a request must have been answered: one point in time that everything draws on."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Deadline:
    """A point on the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    def within(self, seconds: float) -> Deadline:
        """The sooner of this deadline and the one that many seconds from now."""
        return Deadline(min(self.at, time.monotonic() + seconds))

    def left(self) -> float:
        """The seconds that are left; 0 when it is spent."""
        return max(0.0, self.at - time.monotonic())

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.left() == 0
