"""A schema allows the same values as the `jsonschema` package, which is not deployed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chatd.json_schema.budget import Budget
from chatd.json_schema.schema import Schema
from chatd.json_schema.values import SchemaError

DRAFT = "http://json-schema.org/draft-{}/schema#"


def allows(schema: Any, value: Any) -> bool:
    return Schema(schema, Budget()).allows(value, Budget())


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"multipleOf": 0.1}, 0.3, 0.35),
        ({"multipleOf": 1e-300}, 1e308, 1e-301),
        ({"multipleOf": 7}, 7 * 10**400, 10**400),
        ({"const": {"a": [1, True]}}, {"a": [1.0, True]}, {"a": [1, 1]}),
        ({"enum": [1, "1"]}, 1.0, True),
        ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}], [{"a": 1}, {"a": 1.0}]),
        ({"type": "integer"}, 2.0, True),
        ({"type": ["null", "string"]}, None, 1),
        ({"items": [{"type": "string"}], "additionalItems": False}, ["a"], ["a", "b"]),
        ({"prefixItems": [True], "items": False}, [1], [1, 2]),
        ({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}}, {"a": 1, "b": 1}, {"c": 1}),
        (
            {"$schema": DRAFT.format("04"), "maximum": 3, "exclusiveMaximum": True},
            2,
            3,
        ),
        (
            {
                "$schema": DRAFT.format("07"),
                "definitions": {"s": {"type": "string"}},
                "$ref": "#/definitions/s",
                "maxLength": 1,
            },
            "long: before 2019-09 a $ref hides what is beside it",
            7,
        ),
        ({"$id": "https://x.example/s", "$ref": "#a", "$defs": {"a": {"$anchor": "a"}}}, 1, None),
        ({"$defs": {"a b": {"type": "null"}}, "$ref": "#/$defs/a%20b"}, None, 1),
        ({"items": {"$ref": "#"}, "type": "array"}, [[[]]], [[1]]),
        (
            {"anyOf": [{"properties": {"a": True}}], "unevaluatedProperties": False},
            {"a": 1},
            {"b": 1},
        ),
        ({"contains": {"const": 1}, "unevaluatedItems": {"type": "string"}}, [1, "a"], [1, 2]),
        ({"if": {"type": "string"}, "then": {"minLength": 2}, "else": False}, "ab", 1),
    ],
)
def test_a_keyword_allows_valid_values_and_refuses_others(schema: Any, good: Any, bad: Any) -> None:
    assert allows(schema, good)
    if bad is not None:
        assert not allows(schema, bad)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nothing"},
        {"type": []},
        {"enum": 7},
        {"multipleOf": 0},
        {"multipleOf": "2"},
        {"maximum": float("inf")},
        {"maxLength": -1},
        {"maxLength": float("nan")},
        {"uniqueItems": 1},
        {"required": "a"},
        {"properties": [1]},
        {"properties": {"a": 1}},
        {"allOf": []},
        {"prefixItems": {}},
        {"dependentRequired": {"a": {}}},
        {"pattern": "("},
        {"patternProperties": {"(": True}},
        {"$schema": 7},
        {"$schema": "https://x.example/mine"},
        {"$ref": 7},
        {"$ref": "http://[/"},
        {"$ref": "https://x.example/other"},
        {"$ref": "#/$defs/none"},
        {"$ref": "#none"},
        {"$ref": "#/required", "required": []},
        {"$ref": "#"},
        {"$dynamicRef": "#node"},
        {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}},
    ],
)
def test_an_invalid_or_incomplete_schema_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError):
        Schema(schema, Budget())


LOOKAHEAD = {"pattern": "^(?=.*[A-Z])"}


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        (LOOKAHEAD, True),
        ({"not": LOOKAHEAD}, True),
        ({"type": "integer", **LOOKAHEAD}, False),
        ({"patternProperties": {"(?=a)": False}}, True),
        ({"patternProperties": {"(?=a)": True}, "additionalProperties": False}, True),
        ({"patternProperties": {"(?=a)": False}, "additionalProperties": False}, False),
    ],
)
def test_an_unsupported_pattern_alone_refuses_no_value(schema: Any, allowed: bool) -> None:
    value: Any = {"a": 1} if "patternProperties" in schema else "abc"

    assert allows(schema, value) == allowed


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "ab"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return schemas with random keywords and inner schemas."""
    some, names = st.lists(inner, min_size=1, max_size=3), st.sampled_from("abc")
    several = st.dictionaries(names, inner, max_size=2)
    types = st.sampled_from(["null", "integer", "number", "string", "array", "object", "boolean"])
    size = st.integers(0, 3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minimum": size,
            "exclusiveMaximum": size,
            "maxLength": size,
            "pattern": st.sampled_from(["^a", "b$", "^[ab]{2}$"]),
            "minItems": size,
            "uniqueItems": st.booleans(),
            "contains": inner,
            "minContains": size,
            "maxContains": size,
            "prefixItems": some,
            "items": inner,
            "unevaluatedItems": inner,
            "minProperties": size,
            "required": st.lists(names, max_size=2, unique=True),
            "dependentRequired": st.dictionaries(names, st.just(["a"]), max_size=2),
            "dependentSchemas": several,
            "properties": several,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": st.sampled_from([True, {"const": "a"}]),
            "unevaluatedProperties": inner,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
        },
    )


SCHEMAS = st.recursive(st.booleans() | keywords(st.booleans()), keywords, max_leaves=6)


@given(SCHEMAS.filter(lambda schema: isinstance(schema, dict)), VALUES)
def test_a_check_agrees_with_jsonschema(schema: Any, value: Any) -> None:
    expected = Draft202012Validator(schema).is_valid(value)

    assert allows(schema, value) == expected
