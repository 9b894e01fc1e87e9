"""Profile warm requests; the profile is printed and not kept."""

from __future__ import annotations

from typing import Any

from bench.target import Target


def measure(target: Target, *, quick: bool) -> dict[str, Any]:
    """Return the slowest functions of a whole response and of a stream, as tables of text."""
    return {"cases": target.run("profile", {"requests": 200 if quick else 3000})}
