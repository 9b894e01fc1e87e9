"""Measure streams: time to first token, processor time per chunk, and throughput."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from bench.sample_statistics import Distribution, ratio, rounded
from bench.target import Target

Times = Mapping[str, Mapping[str, Sequence[float]]]


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return the figures of each surface with each dialect."""
    sizes = (
        {"rounds": 3, "flood": 2000, "trickle": 50, "starts": 10}
        if quick
        else {"rounds": 9, "flood": 10_000, "trickle": 300, "starts": 60}
    )
    return figures(target.run("stream", sizes))


def figures(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the medians, ratios and distributions of the samples."""
    measured = dict(found["measured"])
    posted = measured.pop("posted")
    return {
        "chunks": {"flood": found["flood"], "trickle": found["trickle"]},
        "cases": {name: _case(times, found) for name, times in measured.items()},
        "posted": {
            clock: _per_chunk(posted["posted"][clock], posted["counted"][clock], found["flood"])
            for clock in ("wall", "cpu")
        },
    }


def _case(times: Mapping[str, Times], found: Mapping[str, Any]) -> dict[str, Any]:
    flood, trickle, first = times["flood"], times["trickle"], times["first"]
    return {
        "flood": {
            "cpu": _per_chunk(flood["ours"]["cpu"], flood["floor"]["cpu"], found["flood"]),
            "wall": _per_chunk(flood["ours"]["wall"], flood["floor"]["wall"], found["flood"]),
            "ratio": ratio(flood["ours"]["cpu"], flood["floor"]["cpu"]),
            "chunks_a_second": rounded(
                found["flood"] / statistics.median(flood["ours"]["wall"]) * 1e6, 3
            ),
        },
        "trickle": {
            "cpu": _per_chunk(trickle["ours"]["cpu"], trickle["floor"]["cpu"], found["trickle"]),
            "floor": rounded(statistics.median(trickle["floor"]["cpu"]) / found["trickle"], 3),
            "ratio": ratio(trickle["ours"]["cpu"], trickle["floor"]["cpu"]),
        },
        "first": {side: Distribution.of(taken).json() for side, taken in first.items()},  # type: ignore[arg-type]  # lists
    }


def _per_chunk(ours: Sequence[float], floor: Sequence[float], chunks: int) -> float:
    """Return the gateway's time per chunk beyond the floor's, in µs."""
    return rounded((statistics.median(ours) - statistics.median(floor)) / chunks, 3)
