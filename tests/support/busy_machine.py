"""Allow for the delays of a busy machine in tests of time limits."""

from __future__ import annotations

import os

# Runnable processes a core of an ordinary test run, for which the given allowance holds.
_ORDINARY_LOAD = 2.0


def allowance(seconds: float) -> float:
    """Return the seconds that the machine may add to a limit: more if more processes share a core.

    Args:
        seconds: The allowance of an ordinary test run.

    """
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * max(1.0, load / _ORDINARY_LOAD)
