"""Growth: time and memory must grow no faster than the input."""

from __future__ import annotations

import statistics
from typing import Any

from bench.inside.gateway import DIALECTS
from bench.sample_statistics import exponent, rounded
from bench.target import Target

# The exponent is that of the largest sizes: at the small ones a fixed cost hides it.
_LARGEST = 3


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Measure it."""
    found = target.run(
        "growth",
        {
            "rounds": 5 if quick else 25,
            "dialects": list(DIALECTS),
        },
    )
    return {"cases": {name: grown(one) for name, one in found.items()}}


def grown(one: dict[str, Any]) -> dict[str, Any]:
    """What the samples of one dimension say."""
    times = [statistics.median(taken) for taken in one["times"]]
    sizes, peaks = one["sizes"], one["peaks"]
    return {
        "sizes": sizes,
        "cpu": [rounded(value) for value in times],
        "peak": peaks,
        "time_exponent": exponent(sizes[-_LARGEST:], times[-_LARGEST:]),
        "memory_exponent": exponent(sizes[-_LARGEST:], peaks[-_LARGEST:]),
    }
