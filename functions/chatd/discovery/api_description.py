"""Read the API description and its page: beside the code in a build, else from docs/."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve()


@cache
def document(name: str) -> str:
    """Return the text of a document, such as `openapi.json`."""
    places = (_HERE.parents[2] / name, _HERE.parents[3] / "docs" / name)
    return next(place for place in places if place.is_file()).read_text("utf-8")
