"""Where a warm request spends its time: shown to who makes it faster, and not kept."""

from __future__ import annotations

from typing import Any

from bench.target import Target


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """The functions that take longest, of a whole answer and of a stream."""
    return {"cases": target.run("profile", {"requests": 200 if quick else 3000})}
