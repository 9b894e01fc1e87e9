"""Every loop of a check spends budget steps in proportion to its input.

A loop without steps is unbounded: a caller could keep a worker busy without limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chatd.json_schema.budget import MAX_STEPS, Budget
from chatd.json_schema.schema import Schema

SMALL, LARGE = 200, 2000


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


def members(count: int) -> dict[str, int]:
    return dict.fromkeys(names(count), 1)


def nested(keyword: str, depth: int) -> dict[str, Any]:
    """Return a schema that evaluates all members `depth` levels below."""
    schema: dict[str, Any] = {"additionalProperties": {}}
    for _ in range(depth):
        schema = {keyword: [schema]}
    return schema


# For each keyword: a schema and a valid value; one part of the loop's input grows with the size.
CHECKS: dict[str, Callable[[int], tuple[Any, Any]]] = {
    "required": lambda size: ({"required": names(size)}, members(size)),
    "dependentRequired": lambda size: ({"dependentRequired": {"a": names(size)}}, {}),
    "dependentRequired, many": lambda size: (
        {"dependentRequired": {name: [] for name in names(size)}},
        {},
    ),
    "properties": lambda size: ({"properties": {"a": {}}}, members(size)),
    "additionalProperties": lambda size: ({"additionalProperties": {}}, members(size)),
    "unevaluatedProperties": lambda size: (
        {"additionalProperties": True, "unevaluatedProperties": False},
        members(size),
    ),
    "unevaluatedItems": lambda size: ({"items": {}, "unevaluatedItems": False}, [1] * size),
    "items": lambda size: ({"items": {"type": "integer"}}, [1] * size),
    "allOf": lambda size: ({"allOf": [{"type": "integer"}] * size}, 1),
    "checks of one schema": lambda size: (
        {"items": {"minimum": 0, "maximum": 2, "type": "integer"}},
        [1] * size,
    ),
    "allOf, nested": lambda size: (
        {**nested("allOf", size // 40), "unevaluatedProperties": {}},
        members(500),
    ),
    "anyOf, nested": lambda size: (
        {**nested("anyOf", size // 40), "unevaluatedProperties": {}},
        members(500),
    ),
    "multipleOf": lambda size: ({"multipleOf": 1}, 10**size),
    "uniqueItems, texts": lambda size: ({"uniqueItems": True}, ["x" * 50 * size, "y"]),
    "uniqueItems, names": lambda size: ({"uniqueItems": True}, [{"x" * 50 * size: 1}, "y"]),
    "uniqueItems, items": lambda size: ({"uniqueItems": True}, list(range(size))),
    "pattern, the text": lambda size: ({"pattern": "^(a|b)*$"}, "ab" * size),
}
# Schemas with a compilation that takes more steps for a larger size.
SCHEMAS: dict[str, Callable[[int], Any]] = {
    "keywords": lambda size: {"allOf": [{"minimum": n, "maximum": n} for n in range(size)]},
    "a pattern": lambda size: {"pattern": "a" * size},
    "a pattern's class": lambda size: {"pattern": f"[{'a' * 10 * size}]"},
    "an annotation": lambda size: {"examples": [1] * size},
    "a repetition": lambda size: {"pattern": f"a{{{size // 10}}}"},
    "a value that is no schema": lambda size: {"const": [[1]] * size, "title": "x"},
    "identifiers": lambda size: {"$id": "https://x.example/" + "a" * 10 * size},
    "references": lambda size: {"$ref": "#/$defs/" + "a" * 5 * size, "$defs": {"a" * 5 * size: {}}},
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_steps_of_a_check_grow_with_its_input(name: str) -> None:
    def steps(size: int) -> int:
        schema, value = CHECKS[name](size)
        budget = Budget()
        assert Schema(schema, Budget()).allows(value, budget)
        return MAX_STEPS - budget.left

    assert steps(LARGE) > 4 * steps(SMALL)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_steps_of_a_compilation_grow_with_the_schema(name: str) -> None:
    def steps(size: int) -> int:
        budget = Budget()
        Schema(SCHEMAS[name](size), budget)
        return MAX_STEPS - budget.left

    assert steps(LARGE) > 4 * steps(SMALL)


def test_each_check_of_a_schema_takes_a_step() -> None:
    def steps(schema: Any) -> int:
        budget = Budget()
        assert Schema({"items": schema}, Budget()).allows([5] * 100, budget)
        return MAX_STEPS - budget.left

    one = steps({"minimum": 1})
    assert steps({"minimum": 1, "maximum": 9, "type": "integer"}) >= one + 200


def test_the_deadline_is_checked_about_every_2000_steps() -> None:
    calls: list[int] = []

    def is_over() -> bool:
        calls.append(1)
        return False

    budget = Budget(is_over)
    for _ in range(50_000):
        budget.spend()

    assert 20 <= len(calls) <= 26
