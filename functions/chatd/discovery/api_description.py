"""The gateway's own documents: they lie beside the code in a build, in docs/ in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve()


@cache
def document(name: str) -> str:
    """The text of a document, such as `openapi.json`."""
    places = (_HERE.parents[2] / name, _HERE.parents[3] / "docs" / name)
    return next(place for place in places if place.is_file()).read_text("utf-8")
