"""Memory at rest, and whether it stays."""

from __future__ import annotations

from typing import Any

from bench import libraries
from bench.sample_statistics import rounded
from bench.target import Target


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Measure it, in MB of resident memory."""
    part = 10 if quick else 1
    course = {
        "requests": 10_000 // part,
        "streams": 1_000 // part,
        "failures": 1_000 // part,
    }
    found = target.run("memory", {**course, "libraries": []})
    floor = target.run("memory", {**dict.fromkeys(course, 0), "libraries": libraries.statements()})
    return {
        **course,
        **{name: _rounded(value) for name, value in found.items()},
        "libraries": rounded(floor["libraries"]),
    }


def _rounded(value: Any) -> Any:
    return [rounded(one) for one in value] if isinstance(value, list) else rounded(value)
