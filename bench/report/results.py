"""docs/performance.json: what was measured last, and on what."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from bench.target import ROOT

FILE = ROOT / "docs" / "performance.json"
_NUMBERS = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")


def read() -> dict[str, Any]:
    """All of it; nothing where nothing was measured yet."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def keep(name: str, found: Mapping[str, Any]) -> None:
    """Put what a benchmark found in the place of what it found before."""
    everything = {**read(), name: found}
    FILE.write_text(written(everything), "utf-8")


def written(everything: Mapping[str, Any]) -> str:
    """The file's text: a list of numbers or names is one line."""
    text = json.dumps(everything, indent=1, ensure_ascii=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
