"""Warm: one invocation of the handler, over the same call with bare urllib3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.sample_statistics import Figure, ratio, rounded
from bench.target import Target

Times = Mapping[str, Mapping[str, Sequence[float]]]


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Measure it."""
    found = target.run("warm", {"rounds": 200 if quick else 3000, "warmup": 200})
    return {"cases": {name: over(times) for name, times in found.items()}}


def over(times: Times) -> dict[str, Any]:
    """What ours costs over its floor, in µs: by the wall's clock and the processor's."""
    told: dict[str, Any] = {}
    for clock in ("wall", "cpu"):
        floor, ours = Figure.of(times["floor"][clock]), Figure.of(times["ours"][clock])
        told[clock] = {
            "floor": floor.json(),
            "ours": ours.json(),
            "overhead": {
                "median": rounded(ours.median - floor.median),
                "p99": rounded(ours.p99 - floor.p99),
            },
            "ratio": ratio(times["ours"][clock], times["floor"][clock]),
        }
    return told
