"""Compute medians, p99, ratios and growth exponents from raw samples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Points of a distribution that are kept.
_KEPT = 101


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of samples, in one unit.

    Attributes:
        count: Number of samples.
        median: 50th percentile.
        p99: 99th percentile.
        quantiles: From the lowest sample to the highest, at equal steps.

    """

    count: int
    median: float
    p99: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, samples: Sequence[float], digits: int = 4) -> Distribution:
        """Return the distribution of samples, rounded to `digits` significant digits."""
        ordered = sorted(samples)
        points = min(_KEPT, len(ordered))
        kept = [quantile(ordered, i / max(points - 1, 1)) for i in range(points)]
        return cls(
            len(ordered),
            rounded(quantile(ordered, 0.5), digits),
            rounded(quantile(ordered, 0.99), digits),
            tuple(rounded(value, digits) for value in kept),
        )

    def json(self) -> dict[str, Any]:
        """Return the form for docs/performance.json."""
        return {
            "count": self.count,
            "median": self.median,
            "p99": self.p99,
            "quantiles": list(self.quantiles),
        }


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which this share of sorted samples lies."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def rounded(value: float, digits: int = 4) -> float:
    """Round a value to `digits` significant digits."""
    return float(f"{value:.{digits}g}")


def ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median ratio of pairs.

    Both samples of a pair are taken within one moment, so other load affects both.
    """
    return rounded(statistics.median(a / b for a, b in zip(ours, floor, strict=True)))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the power of the size with which a cost grows; 1 is linear.

    The slope of the least-squares line through the logarithms.
    """
    xs = [math.log(size) for size in sizes]
    ys = [math.log(max(cost, 1e-12)) for cost in costs]
    return round(statistics.linear_regression(xs, ys).slope, 3)
