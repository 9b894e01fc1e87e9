"""What one large request adds to the memory at rest, by its shape."""

from __future__ import annotations

from typing import Any

from bench.inside import peak
from bench.sample_statistics import rounded
from bench.target import Target


def measure(target: Target, *, quick: bool) -> dict[str, Any]:  # noqa: ARG001  # the shape of every benchmark
    """Measure each in a process of its own, in MB of resident memory."""
    return {
        kind: {shape: rounded(target.run("peak", {"shape": shape})["over"]) for shape in shapes}
        for kind, shapes in (("ordinary", peak.ORDINARY), ("hostile", peak.HOSTILE))
    }
