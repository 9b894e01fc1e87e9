"""No schema and no value make a check run long, recurse deeply or fail unexpectedly."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.json_schema.budget import MAX_STEPS, Budget, WorkLimitError
from chatd.json_schema.keywords import KEYWORDS, LAST
from chatd.json_schema.schema import Schema
from chatd.json_schema.values import SchemaError


def doubling(times: int) -> dict[str, Any]:
    """Return a schema that applies its last part 2^times to the same value."""
    parts: dict[str, Any] = {"d0": {"type": "string"}}
    for n in range(1, times + 1):
        parts[f"d{n}"] = {"allOf": [{"$ref": f"#/$defs/d{n - 1}"}] * 2}
    return {"$defs": parts, "$ref": f"#/$defs/d{times}"}


def chain(length: int) -> dict[str, Any]:
    parts: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length)}
    return {"$defs": {**parts, f"d{length}": True}, "$ref": "#/$defs/d0"}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("schema", [doubling(60), chain(3000), {"enum": ["x" * 999] * 200_000}])
def test_a_too_expensive_schema_is_refused_at_compilation(schema: Any) -> None:
    with pytest.raises(WorkLimitError):
        Schema(schema, Budget())


def test_a_small_doubling_is_allowed() -> None:
    assert Schema(doubling(8), Budget()).allows("a", Budget())


def test_ordinary_checks_take_less_than_a_fifth_of_the_budget() -> None:
    records = [{"a": n, "b": ["x", {"c": n}]} for n in range(3_000)]
    email = {"pattern": r"^[\w.+-]+@[\w-]+(\.[\w-]+)+$", "maxLength": 254}
    for schema, value in (
        ({"uniqueItems": True}, records),
        ({"items": {"required": ["a"], "properties": {"a": {"type": "integer"}}}}, records),
        ({"items": email}, ["john.doe+tag@mail.example.com"] * 500),
        ({"not": {"pattern": "^(a+)+$"}}, "a" * 5_000 + "!"),
    ):
        budget = Budget()
        assert Schema(schema, Budget()).allows(value, budget)
        assert budget.left > MAX_STEPS * 0.8


TREE = {"anyOf": [{"type": "array", "items": {"$ref": "#"}}] * 2 + [False]}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"uniqueItems": True}, [{"a": [n, "b" * 100]} for n in range(200_000)]),
        ({"items": {"not": {"pattern": "^(a+)+$"}}}, ["a" * 5000 + "!"] * 100),
        ({"items": {"multipleOf": 1e-300}}, [1e300] * 100_000),
        ({"items": {"not": {"enum": list("abc")}}}, [["a"] * 1000] * 1000),
        (TREE, nested(500)),
    ],
)
def test_a_check_stops_at_its_budget(schema: Any, value: Any) -> None:
    compiled = Schema(schema, Budget())
    budget = Budget()

    with pytest.raises(WorkLimitError):
        compiled.allows(value, budget)
    assert budget.left > -200_000


def test_comparing_takes_steps_in_proportion_to_the_elements() -> None:
    # All these numbers have the same hash: a set of the numbers takes quadratic time.
    compiled = Schema({"uniqueItems": True}, Budget())

    def steps(count: int) -> int:
        budget = Budget()
        assert compiled.allows([n * (2**61 - 1) for n in range(count)], budget)
        return MAX_STEPS - budget.left

    assert steps(8000) < 8.1 * steps(1000)


def test_a_check_ends_soon_after_the_deadline_or_a_hang_up() -> None:
    is_over = iter([False, False, True])
    budget = Budget(lambda: next(is_over))

    with pytest.raises(WorkLimitError):
        Schema({"uniqueItems": True}, Budget()).allows(list(range(100_000)), budget)
    assert MAX_STEPS - budget.left < 10_000


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["#", "#/a", "object", "^(a+)+$", "https://json-schema.org/draft-07/schema"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*KEYWORDS, *LAST, "$ref", "$id", "id", "$schema", "$anchor", "a"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from([*KEYWORDS, *LAST, "$ref", "a"]), JSON), JSON)
def test_any_json_is_a_schema_or_is_refused_and_any_value_is_checked(
    schema: Any, value: Any
) -> None:
    budget = Budget(steps=100_000)
    try:
        assert Schema(schema, budget).allows(value, budget) in (True, False)
    except (SchemaError, WorkLimitError):
        return
