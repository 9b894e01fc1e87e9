"""Limit the work of one schema check, in steps and by the caller's deadline."""

from __future__ import annotations

from collections.abc import Callable

MAX_STEPS = 1_000_000
# Steps between two checks of the deadline.
_STRIDE = 2_000


class WorkLimitError(Exception):
    """The check exceeds its limit of steps, depth or time."""


class Budget:
    """The steps that a check may take. One step is about one microsecond of processor time.

    Args:
        is_over: Returns whether the deadline is spent or the caller has hung up.
        steps: The number of steps.

    """

    def __init__(self, is_over: Callable[[], bool] = lambda: False, steps: int = MAX_STEPS) -> None:
        self._is_over = is_over
        self._left = steps
        self._next_check = steps

    @property
    def left(self) -> int:
        """The steps that are left; negative once the budget is exceeded."""
        return self._left

    def spend(self, steps: int = 1) -> None:
        """Take steps off.

        Raises:
            WorkLimitError: If none are left, the deadline is spent, or the caller has hung up.

        """
        self._left -= steps
        if self._left <= self._next_check:
            self._next_check = self._left - _STRIDE
            if self._left < 0 or self._is_over():
                raise WorkLimitError
