"""Measure resident memory at rest, and after 10,000 requests and 1,000 failures."""

from __future__ import annotations

from typing import Any

from bench import libraries
from bench.sample_statistics import rounded
from bench.target import Target


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return the number of requests, and MB of resident memory at each step."""
    part = 10 if quick else 1
    steps = {
        "requests": 10_000 // part,
        "streams": 1_000 // part,
        "failures": 1_000 // part,
    }
    found = target.run("memory", {**steps, "libraries": []})
    floor = target.run("memory", {**dict.fromkeys(steps, 0), "libraries": libraries.statements()})
    return {
        **steps,
        **{name: _rounded(value) for name, value in found.items()},
        "libraries": rounded(floor["libraries"]),
    }


def _rounded(value: Any) -> Any:
    return [rounded(one) for one in value] if isinstance(value, list) else rounded(value)
