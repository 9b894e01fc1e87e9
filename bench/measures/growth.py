"""Measure how time and memory grow with the size of the input."""

from __future__ import annotations

import statistics
from typing import Any

from bench.inside.gateway import DIALECTS
from bench.sample_statistics import exponent, rounded
from bench.target import Target

# Exponents are of this many largest sizes: at small sizes the fixed cost dominates.
_LARGEST = 3


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return sizes, CPU µs, peak bytes and growth exponents of each dimension."""
    found = target.run(
        "growth",
        {
            "rounds": 5 if quick else 25,
            "dialects": list(DIALECTS),
        },
    )
    return {"cases": {name: figures(samples) for name, samples in found.items()}}


def figures(samples: dict[str, Any]) -> dict[str, Any]:
    """Return sizes, median times, peaks and exponents of one dimension's samples."""
    times = [statistics.median(taken) for taken in samples["times"]]
    sizes, peaks = samples["sizes"], samples["peaks"]
    return {
        "sizes": sizes,
        "cpu": [rounded(value) for value in times],
        "peak": peaks,
        "time_exponent": exponent(sizes[-_LARGEST:], times[-_LARGEST:]),
        "memory_exponent": exponent(sizes[-_LARGEST:], peaks[-_LARGEST:]),
    }
