"""Evaluate the checks of a compiled schema against a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chatd.json_schema.budget import Budget, WorkLimitError

if TYPE_CHECKING:
    from chatd.json_schema.schema import Schema

# Every level takes about three frames of Python's stack, whose limit is 1,000.
_MAX_DEPTH = 150
# Characters that are compared or copied in about one microsecond.
_CHARACTERS_A_STEP = 64


@dataclass(slots=True)
class Seen:
    """The members of one object or array that keywords have evaluated.

    Attributes:
        names: Names of an object's members.
        first: The number of an array's first elements.
        indexes: Further elements, by index.
        everything: Whether all elements were evaluated.

    """

    names: set[str] = field(default_factory=set)
    first: int = 0
    indexes: set[int] = field(default_factory=set)
    everything: bool = False

    def add(self, other: Seen) -> int:
        """Add the members that another evaluation of the value has seen; return their number."""
        self.names |= other.names
        self.first = max(self.first, other.first)
        self.indexes |= other.indexes
        self.everything = self.everything or other.everything
        return len(other.names) + len(other.indexes)


@dataclass(slots=True)
class Run:
    """One evaluation of a value.

    Attributes:
        budget: The steps that the evaluation may take.
        unknown: The result assumed for a pattern that cannot be matched in linear time.
        guessed: Whether there was such a pattern.
        depth: The schemas that are being evaluated.

    """

    budget: Budget
    unknown: bool = True
    guessed: bool = False
    depth: int = 0


Check = Callable[[Any, Run, Seen | None], bool]


class Node:
    """A compiled schema.

    Attributes:
        checks: One check per keyword.
        last: The checks of `unevaluatedItems` and `unevaluatedProperties`, which follow all others.
        in_place: The schemas that are evaluated against the same value.

    """

    __slots__ = ("checks", "in_place", "last")

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.last: list[Check] = []
        self.in_place: list[Node] = []

    def holds(self, value: Any, run: Run, seen: Seen | None = None) -> bool:
        """Return whether the value is valid.

        Args:
            value: Any JSON value.
            run: The evaluation.
            seen: Takes the evaluated members, if a schema around this one needs them. Undefined
                afterwards if the value is not valid.

        Raises:
            WorkLimitError: If the evaluation exceeds its budget.

        """
        run.budget.spend(1 + len(self.checks))
        run.depth += 1
        if run.depth > _MAX_DEPTH:
            raise WorkLimitError
        own = Seen() if self.last else seen
        for check in self.checks:
            if not check(value, run, own):
                run.depth -= 1
                return False
        for check in self.last:
            if not check(value, run, own):
                run.depth -= 1
                return False
        if seen is not None and own is not None and own is not seen:
            run.budget.spend(seen.add(own))
        run.depth -= 1
        return True

    def tried(self, value: Any, run: Run, seen: Seen | None) -> bool:
        """As `holds`, but `seen` only changes if the value is valid."""
        if seen is None:
            return self.holds(value, run)
        own = Seen()
        if not self.holds(value, run, own):
            return False
        run.budget.spend(seen.add(own))
        return True


# Compiles one keyword of a schema: returns its check, or None if it has none of its own.
Keyword = Callable[["Schema", Mapping[str, Any], Node], Check | None]


def canonical(value: Any, budget: Budget) -> str:
    """Return a text that is equal for equal JSON values, as JSON Schema defines it (1 and 1.0)."""
    return json.dumps(_integral(value, budget), sort_keys=True)


def all_different(values: Iterable[Any], budget: Budget) -> bool:
    """Whether no two of the values are equal."""
    known: set[str] = set()
    for value in values:
        text = canonical(value, budget)
        if text in known:
            return False
        known.add(text)
    return True


def _integral(value: Any, budget: Budget) -> Any:
    """Return the value with every float that is a whole number as an int."""
    budget.spend(2)
    if isinstance(value, str):
        budget.spend(len(value) // _CHARACTERS_A_STEP)
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_integral(item, budget) for item in value]
    if isinstance(value, dict):
        for name in value:
            budget.spend(len(name) // _CHARACTERS_A_STEP)
        return {name: _integral(item, budget) for name, item in value.items()}
    return value
