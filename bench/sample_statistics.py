"""What is made of raw samples: medians, p99, ratios, and how a cost grows.

It knows numbers, and nothing of what was measured.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# So many points of a distribution are kept: the raw samples, thinned.
_KEPT = 101


@dataclass(frozen=True, slots=True)
class Figure:
    """A distribution of samples, in one unit.

    Attributes:
        count: How many were taken.
        median: Half of them are lower.
        p99: All but a hundredth are lower.
        quantiles: From the lowest to the highest, at equal steps.

    """

    count: int
    median: float
    p99: float
    quantiles: tuple[float, ...]

    @classmethod
    def of(cls, samples: Sequence[float], digits: int = 4) -> Figure:
        """The distribution of some samples, rounded to so many significant digits."""
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
        """As docs/performance.json holds it."""
        return {
            "count": self.count,
            "median": self.median,
            "p99": self.p99,
            "quantiles": list(self.quantiles),
        }


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of sorted samples lies."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def rounded(value: float, digits: int = 4) -> float:
    """A value with so many significant digits."""
    return float(f"{value:.{digits}g}")


def ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    """How much larger one side is, as the median of what was measured in pairs.

    A pair is measured within one moment, so what else the machine does falls on both.
    """
    return rounded(statistics.median(a / b for a, b in zip(ours, floor, strict=True)))


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """By which power of its size a thing's cost grows: 1 is linear.

    The slope of the line through the logarithms, by least squares.
    """
    xs = [math.log(size) for size in sizes]
    ys = [math.log(max(cost, 1e-12)) for cost in costs]
    return round(statistics.linear_regression(xs, ys).slope, 3)
