"""A JSON Schema is fitted to what Anthropic's structured output takes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chatd.dialects.anthropic_messages.output_schema import OutputSchema

CLOSED = {"additionalProperties": False}


def fitted(schema: Any) -> tuple[Any, list[str]]:
    found = OutputSchema()
    return found.written(schema), list(found.lost)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "date", "enum": ["a"], "description": "d", "title": "t"},
        {"type": "array", "items": {"type": "number"}, "minItems": 1},
        {"$ref": "#/$defs/a", "$defs": {"a": {"const": 1}}},
        {"type": ["string", "null"], "default": None},
        {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"], **CLOSED},
        {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        True,
    ],
)
def test_what_anthropic_takes_is_unchanged(schema: Any) -> None:
    assert fitted(schema) == (schema, [])


def test_every_object_is_closed() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"properties": {}}}},
        "$defs": {"b": {"type": ["object", "null"]}},
        "anyOf": [{"type": "object"}],
    }

    assert fitted(schema) == (
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"properties": {}, **CLOSED}}},
            "$defs": {"b": {"type": ["object", "null"], **CLOSED}},
            "anyOf": [{"type": "object", **CLOSED}],
            **CLOSED,
        },
        [],
    )


@pytest.mark.parametrize("more", [True, {"type": "string"}, {}])
def test_open_objects_are_closed_and_named(more: Any) -> None:
    found, lost = fitted({"type": "object", "additionalProperties": more})

    assert (found, lost) == ({"type": "object", **CLOSED}, ["additionalProperties"])


def test_refused_keywords_are_left_out_and_named_once() -> None:
    number = {"type": "integer", "minimum": 1, "maximum": 9}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "array",
        "items": {"anyOf": [number, number]},
        "minItems": 2,
        "format": "color",
    }

    assert fitted(schema) == (
        {"type": "array", "items": {"anyOf": [{"type": "integer"}] * 2}},
        ["minimum", "maximum", "minItems", "format"],
    )


def test_one_of_becomes_any_of() -> None:
    assert fitted({"oneOf": [{"const": 1}, {"const": 2}]}) == (
        {"anyOf": [{"const": 1}, {"const": 2}]},
        [],
    )


def test_a_name_of_a_property_is_no_keyword() -> None:
    schema = {"type": "object", "properties": {"minimum": {"type": "string"}}, **CLOSED}

    assert fitted(schema) == (schema, [])


def test_the_callers_schema_is_not_changed() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "minProperties": 1}}}
    before = copy.deepcopy(schema)

    fitted(schema)

    assert schema == before


def test_a_deep_schema_is_fitted_to_a_bounded_depth() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5_000):
        schema = {"items": schema}

    assert fitted(schema)[1] == []
