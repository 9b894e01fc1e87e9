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
class Evaluated:
    """The members of one object or array that keywords have evaluated.

    Attributes:
        names: Names of an object's members.
        prefix_length: The number of an array's first elements.
        indexes: Further elements, by index.
        all_items: Whether all elements were evaluated.

    """

    names: set[str] = field(default_factory=set)
    prefix_length: int = 0
    indexes: set[int] = field(default_factory=set)
    all_items: bool = False

    def add(self, other: Evaluated) -> int:
        """Add the members of another evaluation of the value; return their number."""
        self.names |= other.names
        self.prefix_length = max(self.prefix_length, other.prefix_length)
        self.indexes |= other.indexes
        self.all_items = self.all_items or other.all_items
        return len(other.names) + len(other.indexes)


@dataclass(slots=True)
class Run:
    """One evaluation of a value.

    Attributes:
        budget: The steps that the evaluation may take.
        unknown_result: The result assumed for a pattern that cannot be matched in linear time.
        used_unknown: Whether there was such a pattern.
        depth: The schemas that are being evaluated.

    """

    budget: Budget
    unknown_result: bool = True
    used_unknown: bool = False
    depth: int = 0


Check = Callable[[Any, Run, Evaluated | None], bool]


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

    def is_valid(self, value: Any, run: Run, evaluated: Evaluated | None = None) -> bool:
        """Return whether the value is valid.

        Args:
            value: Any JSON value.
            run: The evaluation.
            evaluated: Collects the evaluated members, if an enclosing schema needs them.
                Undefined afterwards if the value is not valid.

        Raises:
            WorkLimitError: If the evaluation exceeds its budget.

        """
        run.budget.spend(1 + len(self.checks))
        run.depth += 1
        if run.depth > _MAX_DEPTH:
            raise WorkLimitError
        own = Evaluated() if self.last else evaluated
        for check in self.checks:
            if not check(value, run, own):
                run.depth -= 1
                return False
        for check in self.last:
            if not check(value, run, own):
                run.depth -= 1
                return False
        if evaluated is not None and own is not None and own is not evaluated:
            run.budget.spend(evaluated.add(own))
        run.depth -= 1
        return True

    def is_valid_isolated(self, value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        """As `is_valid`, but leave `evaluated` unchanged if the value is not valid."""
        if evaluated is None:
            return self.is_valid(value, run)
        own = Evaluated()
        if not self.is_valid(value, run, own):
            return False
        run.budget.spend(evaluated.add(own))
        return True


# Compiles one keyword of a schema: returns its check, or None if it has none of its own.
Keyword = Callable[["Schema", Mapping[str, Any], Node], Check | None]


def comparison_key(value: Any, budget: Budget) -> str:
    """Return a text that is equal for JSON values equal by JSON Schema, such as 1 and 1.0."""
    return json.dumps(_with_integers(value, budget), sort_keys=True)


def all_different(values: Iterable[Any], budget: Budget) -> bool:
    """Whether no two of the values are equal."""
    known: set[str] = set()
    for value in values:
        text = comparison_key(value, budget)
        if text in known:
            return False
        known.add(text)
    return True


def _with_integers(value: Any, budget: Budget) -> Any:
    """Return the value with every float that is a whole number as an int."""
    budget.spend(2)
    if isinstance(value, str):
        budget.spend(len(value) // _CHARACTERS_A_STEP)
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_with_integers(item, budget) for item in value]
    if isinstance(value, dict):
        for name in value:
            budget.spend(len(name) // _CHARACTERS_A_STEP)
        return {name: _with_integers(item, budget) for name, item in value.items()}
    return value
