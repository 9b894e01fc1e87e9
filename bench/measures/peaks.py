"""Measure the peak of memory that one 5 MB request adds, by the request's shape."""

from __future__ import annotations

from typing import Any

from bench.inside import peak
from bench.sample_statistics import rounded
from bench.target import Target


def measure(target: Target, *, quick: bool) -> dict[str, Any]:  # noqa: ARG001  # signature of every benchmark
    """Return MB of resident memory over rest, of each shape in a process of its own."""
    return {
        kind: {shape: rounded(target.run("peak", {"shape": shape})["over"]) for shape in shapes}
        for kind, shapes in (("ordinary", peak.ORDINARY), ("hostile", peak.HOSTILE))
    }
