"""The libraries that the chat function cannot do without: bench/libraries.toml, read."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("libraries.toml")


@dataclass(frozen=True, slots=True)
class Library:
    """One of them.

    Attributes:
        statement: What imports it.
        reason: Why there is no way round it.

    """

    statement: str
    reason: str


def read() -> tuple[Library, ...]:
    """All of them, in the order in which they are imported."""
    rows = tomllib.loads(FILE.read_text("utf-8"))["library"]
    return tuple(Library(row["import"], row["reason"]) for row in rows)


def statements() -> list[str]:
    """What imports them all."""
    return [library.statement for library in read()]
