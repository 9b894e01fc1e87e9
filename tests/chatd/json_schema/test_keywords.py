"""Every keyword agrees with an oracle on every kind of value, on both sides of each bound.

The oracle is the `jsonschema` package, which is not deployed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft7Validator, Draft202012Validator

from chatd.json_schema.budget import Budget
from chatd.json_schema.keywords import KEYWORDS, LAST
from chatd.json_schema.schema import Schema

VALUES: list[Any] = [
    *(None, True, False, 0, 1, 2, 3, 4, -1, 2.5, 3.0, 3.5, 1e300),
    *("", "a", "ab", "abc", "b", "é", "12", "\n"),
    *([], [1], [1, 2], [1, 2, 3], [1, 1], ["a"], ["a", 1], [[1], [1]], [None, "b", 3]),
    *({}, {"a": 1}, {"a": "x"}, {"b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "c": 3}, {"ab": None}),
]
SCHEMAS: list[Any] = [
    *({}, {"allOf": [True]}, {"allOf": [False]}),
    *({keyword: 3} for keyword in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")),
    *({keyword: 2} for keyword in ("minLength", "maxLength", "minItems", "maxItems")),
    *({keyword: 2} for keyword in ("minProperties", "maxProperties", "multipleOf")),
    *({"type": kind} for kind in ("null", "boolean", "integer", "number", "string")),
    *({"type": kind} for kind in ("array", "object", ["integer", "null"])),
    *({"enum": [1, "a", None]}, {"const": 1}, {"const": [1, 2]}, {"enum": [{"a": 1}]}),
    *({"pattern": "^a"}, {"pattern": "b$"}, {"uniqueItems": True}, {"uniqueItems": False}),
    *({"required": ["a"]}, {"required": ["a", "b"]}, {"required": []}),
    *({"properties": {"a": {"type": "integer"}}}, {"properties": {"a": False}}),
    *({"patternProperties": {"^a": {"type": "integer"}}}, {"additionalProperties": False}),
    {"properties": {"a": True}, "additionalProperties": {"type": "integer"}},
    {"properties": {"a": True}, "patternProperties": {"^b": True}, "additionalProperties": False},
    *({"propertyNames": {"maxLength": 1}}, {"propertyNames": False}),
    *({"items": {"type": "integer"}}, {"items": False}, {"prefixItems": [{"type": "integer"}]}),
    {"prefixItems": [{"type": "integer"}, True], "items": {"type": "string"}},
    *({"contains": {"type": "integer"}}, {"contains": {"const": 1}, "minContains": 2}),
    *({"contains": {"const": 1}, "maxContains": 1}, {"contains": {"const": 9}, "minContains": 0}),
    *({"minContains": 2}, {"maxContains": 0}),
    *({"dependentRequired": {"a": ["b"]}}, {"dependentSchemas": {"a": {"required": ["b"]}}}),
    *({"not": {"type": "integer"}}, {"not": {}}),
    *({"allOf": [{"minimum": 2}, {"maximum": 3}]}, {"anyOf": [{"minimum": 3}, {"type": "null"}]}),
    *({"oneOf": [{"minimum": 2}, {"maximum": 3}]}, {"oneOf": [{"type": "null"}, {"const": 1}]}),
    {"if": {"type": "integer"}, "then": {"minimum": 2}, "else": {"type": "string"}},
    *({"if": {"type": "integer"}, "then": {"minimum": 2}}, {"if": {"const": 1}, "else": False}),
    *({"then": False}, {"else": False}),
    {"properties": {"a": True}, "unevaluatedProperties": False},
    {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": {"type": "integer"}},
    {
        "anyOf": [{"required": ["b"], "properties": {"b": True}}, True],
        "unevaluatedProperties": False,
    },
    {"if": {"required": ["a"], "properties": {"a": True}}, "unevaluatedProperties": False},
    {"dependentSchemas": {"a": {"properties": {"b": True}}}, "unevaluatedProperties": False},
    {"prefixItems": [True], "unevaluatedItems": False},
    {"allOf": [{"additionalProperties": True}], "unevaluatedProperties": False},
    {"allOf": [{"items": True}], "unevaluatedItems": False},
    {"anyOf": [{"items": {"type": "integer"}}, {"type": "array"}], "unevaluatedItems": False},
    *({"contains": {"const": 1}, "unevaluatedItems": False}, {"unevaluatedItems": False}),
    {"anyOf": [{"prefixItems": [True, True]}, {"prefixItems": [True]}], "unevaluatedItems": False},
    {"$defs": {"a": {"type": "integer"}}, "$ref": "#/$defs/a", "minimum": 2},
]
DRAFT_7: list[Any] = [
    *({"items": [{"type": "integer"}], "additionalItems": False}, {"additionalItems": False}),
    {"items": [{"type": "integer"}], "additionalItems": {"type": "string"}},
    *({"dependencies": {"a": ["b"]}}, {"dependencies": {"a": {"required": ["b"]}}}),
    {"definitions": {"a": {"type": "integer"}}, "$ref": "#/definitions/a", "minimum": 2},
    *({"exclusiveMinimum": 3}, {"exclusiveMaximum": 3}, {"contains": {"const": 1}}),
]
DRAFT_4: list[Any] = [
    *({"minimum": 3, "exclusiveMinimum": True}, {"maximum": 3, "exclusiveMaximum": True}),
    *({"minimum": 3, "exclusiveMinimum": False}, {"maximum": 3, "exclusiveMaximum": False}),
    *({"minimum": 3}, {"maximum": 3}, {"required": ["a"]}, {"dependencies": {"a": ["b"]}}),
]
NAMED = "http://json-schema.org/draft-{}/schema#"


def verdicts(schema: Any) -> list[bool]:
    compiled = Schema(schema, Budget())
    return [compiled.allows(value, Budget()) for value in VALUES]


def differences(schema: Any, oracle: Any) -> list[Any]:
    """Return the values on which this check and the oracle disagree."""
    expected = [oracle.is_valid(value) for value in VALUES]
    pairs = zip(VALUES, verdicts(schema), expected, strict=True)
    return [value for value, found, right in pairs if found != right]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_a_keyword_agrees_with_draft_2020_12(schema: Any) -> None:
    assert differences(schema, Draft202012Validator(schema)) == []


@pytest.mark.parametrize("schema", DRAFT_7, ids=json.dumps)
def test_a_keyword_agrees_with_draft_7(schema: Any) -> None:
    assert differences({"$schema": NAMED.format("07"), **schema}, Draft7Validator(schema)) == []


@pytest.mark.parametrize("schema", DRAFT_4, ids=json.dumps)
def test_a_keyword_agrees_with_draft_4(schema: Any) -> None:
    assert differences({"$schema": NAMED.format("04"), **schema}, Draft4Validator(schema)) == []


def test_every_keyword_is_in_one_of_the_schemas() -> None:
    """A new keyword needs a schema above."""
    written = json.dumps([SCHEMAS, DRAFT_7, DRAFT_4])

    assert [name for name in {*KEYWORDS, *LAST} if f'"{name}":' not in written] == []
