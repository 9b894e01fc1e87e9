"""The syntax tree of a regular expression, from the parser to the matcher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of a set."""

    accepts: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place between characters: `^`, `$`, `b` or `B`."""

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts that follow each other."""

    parts: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several branches."""

    branches: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part, `least` to `most` times; None: without limit."""

    part: Syntax
    least: int
    most: int | None


Syntax = Characters | Assertion | Sequence | Alternatives | Repeat
