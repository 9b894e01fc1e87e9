"""Read and write docs/performance.json, the last result of each benchmark."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bench.target import ROOT

FILE = ROOT / "docs" / "performance.json"
_NUMBERS = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")


def read() -> dict[str, Any]:
    """Return the results by benchmark; an empty dict without a file."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def keep(name: str, found: Mapping[str, Any]) -> None:
    """Replace the kept result of a benchmark."""
    results = {**read(), name: found}
    FILE.write_text(serialized(results), "utf-8")


def serialized(results: Mapping[str, Any]) -> str:
    """Return the results as JSON, with each list of numbers or names on one line."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
