"""Measure one warm invocation of the handler, over the same call with bare urllib3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.sample_statistics import Distribution, ratio, rounded
from bench.target import Target

Times = Mapping[str, Mapping[str, Sequence[float]]]


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return the figures of each surface with each dialect."""
    measured = target.run("warm", {"rounds": 200 if quick else 3000, "warmup": 200})
    return {"cases": {name: figures(times) for name, times in measured.items()}}


def figures(times: Times) -> dict[str, Any]:
    """Return the gateway's cost over its floor in µs, by wall clock and processor time."""
    found: dict[str, Any] = {}
    for clock in ("wall", "cpu"):
        floor, ours = Distribution.of(times["floor"][clock]), Distribution.of(times["ours"][clock])
        found[clock] = {
            "floor": floor.json(),
            "ours": ours.json(),
            "overhead": {
                "median": rounded(ours.median - floor.median),
                "p99": rounded(ours.p99 - floor.p99),
            },
            "ratio": ratio(times["ours"][clock], times["floor"][clock]),
        }
    return found
