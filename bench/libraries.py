"""Read bench/libraries.toml, the libraries that the chat function needs in any case."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("libraries.toml")


@dataclass(frozen=True, slots=True)
class Library:
    """A library of the floor.

    Attributes:
        statement: Its import statement.
        reason: Why the chat function needs it.

    """

    statement: str
    reason: str


def read() -> tuple[Library, ...]:
    """Return the libraries in import order."""
    rows = tomllib.loads(FILE.read_text("utf-8"))["library"]
    return tuple(Library(row["import"], row["reason"]) for row in rows)


def statements() -> list[str]:
    """Return the import statements of all libraries."""
    return [library.statement for library in read()]
