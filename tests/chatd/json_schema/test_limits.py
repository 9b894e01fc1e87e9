"""A schema check allows the largest input within each limit and refuses the next larger one."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.json_schema.budget import Budget, WorkLimitError
from chatd.json_schema.pattern import Pattern
from chatd.json_schema.schema import Schema
from chatd.json_schema.values import SchemaError

LISTS: Any = {"type": "array", "items": {"$ref": "#"}}
# Each level tries a failing schema before a valid schema.
TRIED: Any = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#"}}]}


def allows(schema: Any, value: Any) -> bool:
    return Schema(schema, Budget()).allows(value, Budget())


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


def nested_schemas(depth: int) -> Any:
    """Return `depth` nested schemas that all apply to the same value."""
    schema: Any = {}
    for _ in range(depth - 1):
        schema = {"allOf": [schema]}
    return schema


def deepest(schema: Any) -> int:
    """Return the largest depth of nested lists that a check of the schema allows."""
    for depth in range(1, 400):
        try:
            assert allows(schema, nested(depth))
        except WorkLimitError:
            return depth - 1
    raise AssertionError("no limit")


def test_a_value_may_pass_through_150_nested_schemas() -> None:
    # Each list takes two schemas: the one with `$ref`, and its target.
    assert deepest(LISTS) == 75
    assert allows({"type": "array"}, nested(400))


@pytest.mark.parametrize(
    "schema",
    [
        LISTS,
        {**LISTS, "not": {"type": "string"}},
        {**LISTS, "if": {"type": "string"}, "then": False},
        {**LISTS, "unevaluatedItems": False},
    ],
)
def test_earlier_checks_do_not_reduce_the_available_depth(schema: Any) -> None:
    depth = deepest(schema)
    many = [[1], {"a": 1}, [], [[]], 7]
    checked = {"prefixItems": [True] * 0, "items": schema}

    # Valid and invalid items leave the same depth.
    refused = {"items": {"anyOf": [schema, True]}}
    assert allows(refused, [*many * 40, nested(depth - 3)])
    with pytest.raises(WorkLimitError):
        allows(refused, [*many * 40, nested(depth + 1)])
    assert not allows(checked, [nested(2), 7])


def test_schemas_may_be_nested_sixty_deep() -> None:
    assert allows(nested_schemas(60), 1)
    with pytest.raises(WorkLimitError):
        allows(nested_schemas(61), 1)


def test_a_value_may_take_twenty_thousand_steps() -> None:
    # A schema with one check takes 2 steps, and each schema that the check applies takes 1.
    assert allows({"allOf": [{}] * 9 + [{"allOf": [{} for _ in range(19_987)]}]}, 1)
    with pytest.raises(WorkLimitError):
        allows({"allOf": [{}] * 9 + [{"allOf": [{} for _ in range(19_988)]}]}, 1)


def test_a_pattern_may_have_five_thousand_parts() -> None:
    assert Pattern("^a{4996}$", Budget()).search("a" * 4996, Budget())
    with pytest.raises(WorkLimitError):
        Pattern("^a{4997}$", Budget())


def test_a_pattern_may_nest_forty_groups() -> None:
    assert Pattern("(" * 39 + ")" * 39, Budget()).search("", Budget())
    # Consecutive groups are not nested.
    assert Pattern("(a)" * 50, Budget()).search("a" * 50, Budget())
    with pytest.raises(WorkLimitError):
        Pattern("(" * 40 + ")" * 40, Budget())


@pytest.mark.parametrize("count", ["a{1000000}", "a{1000000,}", "a{1,1000000}", "a{0,9999999}"])
def test_a_count_of_seven_digits_is_too_large(count: str) -> None:
    with pytest.raises(WorkLimitError):
        Pattern(count, Budget())


def test_a_budget_is_exceeded_by_at_most_2000_steps() -> None:
    def spend_all(budget: Budget) -> None:
        while True:
            budget.spend()

    budget = Budget(steps=10_000)
    with pytest.raises(WorkLimitError):
        spend_all(budget)
    assert -2_000 <= budget.left < 0


def test_a_budget_ends_at_the_first_step_after_the_deadline() -> None:
    with pytest.raises(WorkLimitError):
        Budget(lambda: True).spend()


@pytest.mark.parametrize(
    "schema",
    [
        *({keyword: "2"} for keyword in ("minimum", "maximum")),
        *({keyword: "2"} for keyword in ("exclusiveMinimum", "exclusiveMaximum")),
        *({keyword: True} for keyword in ("minimum", "maximum", "multipleOf")),
        *({keyword: True} for keyword in ("exclusiveMinimum", "exclusiveMaximum")),
        *({keyword: float("nan")} for keyword in ("minimum", "exclusiveMaximum")),
        *({keyword: 1.5} for keyword in ("minLength", "maxLength", "minItems", "maxItems")),
        *({keyword: -1} for keyword in ("minProperties", "maxProperties", "minItems")),
        *({keyword: True} for keyword in ("minLength", "maxLength", "minProperties")),
        *({"contains": True, keyword: -1} for keyword in ("minContains", "maxContains")),
        *({"multipleOf": -2}, {"multipleOf": float("inf")}, {"pattern": 7}, {"pattern": None}),
        *({"type": 7}, {"type": None}, {"type": ["string", 7]}, {"type": {}}),
        *({"required": [1]}, {"required": {}}, {"required": None}, {"enum": {}}, {"enum": None}),
        *({keyword: 7} for keyword in ("items", "not", "contains", "additionalProperties")),
        *({keyword: None} for keyword in ("if", "propertyNames", "unevaluatedProperties")),
        *({"if": True, keyword: 7} for keyword in ("then", "else")),
        *({keyword: {}} for keyword in ("allOf", "anyOf", "oneOf", "prefixItems")),
        *({keyword: []} for keyword in ("allOf", "anyOf", "oneOf", "properties")),
        *({keyword: [7]} for keyword in ("allOf", "anyOf", "oneOf", "prefixItems", "items")),
        *({keyword: [1]} for keyword in ("patternProperties", "$defs", "definitions")),
        *({keyword: {"a": 7}} for keyword in ("properties", "patternProperties", "$defs")),
        *({keyword: {"a": 7}} for keyword in ("definitions", "dependentSchemas")),
        *({keyword: {"a": 7}} for keyword in ("dependentRequired", "dependencies")),
        *({"dependentRequired": {"a": [7]}}, {"dependentRequired": {"a": True}}),
        *({"dependentSchemas": {"a": ["b"]}}, {"dependencies": {"a": [7]}}),
        *({keyword: []} for keyword in ("dependentRequired", "dependentSchemas")),
        *({"uniqueItems": "true"}, {"uniqueItems": None}, {"$recursiveRef": "#"}),
        *({"$schema": None}, {"$schema": "draft-07"}, {"$ref": None}, {"$ref": "#/"}),
        *({"$ref": "#/allOf/1", "allOf": [True]}, {"$ref": "#/allOf/x", "allOf": [True]}),
        *({"$ref": "#/$defs/0", "$defs": {"a": {}}}, {"$ref": "#/title/0", "title": "a"}),
        *({"$ref": "#/allOf/-1", "allOf": [True]}, {"$ref": "#/$defs/a/b", "$defs": {"a": {}}}),
    ],
    ids=repr,
)
def test_a_keyword_with_a_value_of_the_wrong_type_is_refused(schema: Any) -> None:
    with pytest.raises(SchemaError):
        Schema(schema, Budget())


@pytest.mark.parametrize(
    "draft",
    [
        *("http://json-schema.org/schema#", "http://json-schema.org/draft-04/schema#"),
        *("http://json-schema.org/draft-06/schema", "https://json-schema.org/draft-07/schema#"),
        *("https://json-schema.org/draft/2019-09/schema",),
        *("http://json-schema.org/draft/2020-12/schema#",),
    ],
)
def test_each_known_draft_is_accepted(draft: str) -> None:
    assert allows({"$schema": draft, "type": "string"}, "a")
    assert not allows({"$schema": draft, "type": "string"}, 1)


@pytest.mark.parametrize("draft", ["draft-04", "draft-06", "draft-07"])
def test_a_reference_before_2019_hides_its_neighbour_keywords(draft: str) -> None:
    schema = {
        "$schema": f"http://json-schema.org/{draft}/schema#",
        "definitions": {"a": {"type": "string"}},
        "$ref": "#/definitions/a",
        "maxLength": 1,
    }

    assert allows(schema, "long")
    assert not allows({**schema, "$schema": "http://json-schema.org/draft/2019-09/schema"}, "long")


def test_a_reference_before_2019_hides_its_neighbour_identifier() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"a": {"$id": "https://x.example/inner", "$ref": "#/definitions/n"}},
        "definitions": {"n": {"type": "null"}},
    }

    assert allows(schema, {"a": None})
    assert not allows(schema, {"a": 1})


def test_an_identifier_is_spelled_id_only_in_draft_4() -> None:
    def document(draft: str, name: str) -> Any:
        return {
            "$schema": draft,
            "properties": {"a": {"$ref": "https://x.example/b"}},
            "definitions": {"b": {name: "https://x.example/b", "type": "null"}},
        }

    for draft, name in (
        ("http://json-schema.org/draft-04/schema#", "id"),
        ("http://json-schema.org/draft-07/schema#", "$id"),
        ("https://json-schema.org/draft/2020-12/schema", "$id"),
    ):
        assert allows(document(draft, name), {"a": None})
        assert not allows(document(draft, name), {"a": 1})
        with pytest.raises(SchemaError):
            allows(document(draft, {"id": "$id", "$id": "id"}[name]), {"a": None})


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}, None, 1),
        ({"$ref": "#/$defs/a~0b", "$defs": {"a~b": {"type": "null"}}}, None, 1),
        ({"$ref": "#/$defs/a~01b", "$defs": {"a~1b": {"type": "null"}}}, None, 1),
        ({"$ref": "#/$defs/a/allOf/1", "$defs": {"a": {"allOf": [{}, {"const": 2}]}}}, 2, 1),
        ({"$ref": "#n", "$defs": {"a": {"$anchor": "n", "type": "null"}}}, None, 1),
        ({"$ref": "#n", "$defs": {"a": {"$dynamicAnchor": "n", "type": "null"}}}, None, 1),
        (
            {
                "$id": "https://x.example/root",
                "$ref": "part#n",
                "$defs": {"p": {"$id": "part", "$defs": {"a": {"$anchor": "n", "const": 2}}}},
            },
            2,
            1,
        ),
        (
            {
                "$id": "https://x.example/root",
                "$ref": "part#/$defs/a",
                "$defs": {"p": {"$id": "part", "$defs": {"a": {"const": 2}}}, "a": {"const": 1}},
            },
            2,
            1,
        ),
        (
            {
                "$id": "https://x.example/root",
                "$ref": "part",
                "$defs": {"p": {"$id": "part", "$ref": "#/$defs/a", "$defs": {"a": {"const": 2}}}},
            },
            2,
            1,
        ),
        ({"$id": "urn:x:y", "$ref": "#/$defs/a", "$defs": {"a": {"const": 2}}}, 2, 1),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "$ref": "#n",
                "definitions": {"a": {"$id": "#n", "const": 2}},
            },
            2,
            1,
        ),
    ],
    ids=str,
)
def test_a_reference_resolves_to_its_place_in_the_document(
    schema: Any, good: Any, bad: Any
) -> None:
    assert allows(schema, good)
    assert not allows(schema, bad)
