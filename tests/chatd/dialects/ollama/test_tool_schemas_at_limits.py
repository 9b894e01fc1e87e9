"""Each keyword of a tool's schema is written or named, and each limit is exact."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.request import Tool
from chatd.dialects.ollama.tool_schemas import ToolSchemas


def written(parameters: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    schemas = ToolSchemas()
    return dict(schemas.parameters(Tool("add", None, parameters))), schemas.lost


@pytest.mark.parametrize(
    "keyword",
    [
        *("$schema", "$id", "$anchor", "$comment", "title", "description"),
        *("examples", "deprecated", "readOnly", "writeOnly", "type", "required", "items"),
    ],
)
def test_an_annotation_or_a_keyword_of_ollama_is_not_named(keyword: str) -> None:
    given = {keyword: "x", "properties": {"a": {keyword: "x"}}}

    assert written(given) == (given, ())


@pytest.mark.parametrize("keyword", ["enum", "anyOf"])
def test_a_keyword_that_ollama_keeps_in_a_property_is_lost_in_the_parameters(keyword: str) -> None:
    assert written({"properties": {"a": {keyword: []}}})[1] == ()
    assert written({keyword: []})[1] == (f"tools.{keyword}",)


def test_schemas_below_items_are_kept_whole() -> None:
    given = {"items": {"format": "date", "properties": {"a": {"minimum": 1}}}}

    assert written(given) == (given, ())


def test_lost_keywords_below_any_of_are_named() -> None:
    given = {"properties": {"a": {"anyOf": [{"format": "date"}, True]}}}

    assert written(given)[1] == ("tools.format",)


@pytest.mark.parametrize("keyword", ["properties", "patternProperties"])
def test_references_below_named_schemas_are_inlined(keyword: str) -> None:
    given = {keyword: {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "null"}}}

    assert written(given)[0] == {keyword: {"a": {"type": "null"}}}


def test_the_schemas_own_keywords_take_precedence_over_converted_keywords() -> None:
    given = {
        "enum": [1],
        "const": 2,
        "description": "own",
        "anyOf": [{"type": "null"}],
        "oneOf": [{"type": "string"}],
        "$ref": "#/$defs/a",
        "$defs": {"a": {"description": "other", "type": "object"}},
    }

    assert written({"properties": {"p": given}, "$defs": given["$defs"]}) == (
        {
            "properties": {
                "p": {
                    "enum": [1],
                    "description": "own",
                    "anyOf": [{"type": "null"}],
                    "type": "object",
                }
            }
        },
        ("tools.oneOf",),
    )


def test_parts_of_all_of_are_merged_and_the_first_value_is_kept() -> None:
    given = {
        "required": ["a"],
        "properties": {"a": {"type": "string"}},
        "allOf": [
            {"required": ["b", "a", 7], "properties": {"a": {"type": "null"}, "b": {}}},
            {"required": "c", "patternProperties": {"x": {}}, "title": "t"},
            {"patternProperties": {"y": {}}, "title": "u", "type": "object"},
        ],
    }
    schema, lost = written(given)

    assert schema == {
        "required": ["a", "b"],
        "properties": {"a": {"type": "string"}, "b": {}},
        "patternProperties": {"x": {}, "y": {}},
        "title": "t",
        "type": "object",
    }
    assert lost == ("tools.patternProperties",)


def test_contradictory_parts_of_all_of_are_named() -> None:
    assert written({"allOf": [{"type": "string"}, {"type": "null"}]})[1] == ("tools.allOf",)
    assert written({"allOf": [{"type": "string"}, {"type": "string"}]})[1] == ()


@pytest.mark.parametrize("keyword", ["oneOf", "allOf", "anyOf", "items", "properties"])
def test_a_keyword_with_a_value_of_the_wrong_type_raises_no_exception(keyword: str) -> None:
    written({keyword: 7, "properties": {"a": {keyword: "x"}}})


@pytest.mark.parametrize(
    "reference",
    ["#a", "a", "https://x.example/s", "#/$defs/none", "#/$defs/a/type", "$defs/a", "#$defs/a"],
)
def test_a_reference_without_a_schema_is_named(reference: str) -> None:
    given = {"properties": {"p": {"$ref": reference}}, "$defs": {"a": {"type": "null"}}}

    assert written(given) == ({"properties": {"p": {}}}, ("tools.$ref",))


@pytest.mark.parametrize(
    ("reference", "name"), [("a~1b", "a/b"), ("a~0b", "a~b"), ("a~01b", "a~1b"), ("a%25b", "a%b")]
)
def test_a_reference_is_a_json_pointer(reference: str, name: str) -> None:
    given = {"properties": {"p": {"$ref": f"#/$defs/{reference}"}}, "$defs": {name: {"type": "x"}}}

    assert written(given) == ({"properties": {"p": {"type": "x"}}}, ())


def chain(length: int) -> Any:
    defs: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length - 1)}
    return {
        "properties": {"p": {"$ref": "#/$defs/d0"}},
        "$defs": {**defs, f"d{length - 1}": {"type": "null", "enum": [None]}},
    }


def test_a_chain_may_have_sixty_four_references() -> None:
    assert written(chain(64)) == ({"properties": {"p": {"type": "null", "enum": [None]}}}, ())
    assert written(chain(65)) == ({"properties": {"p": {"type": "null"}}}, ("tools.$ref",))


def references(count: int, target: Any) -> Any:
    properties = {f"p{n}": {"$ref": "#/$defs/a"} for n in range(count)}
    return {"properties": properties, "$defs": {"a": target}}


def test_ten_thousand_schemas_may_be_added() -> None:
    assert written(references(10_000, {"type": "null"}))[1] == ()

    schema, lost = written(references(10_001, {"type": "null"}))
    assert lost == ("tools.$ref",)
    assert (schema["properties"]["p9999"], schema["properties"]["p10000"]) == ({"type": "null"}, {})


def test_a_million_characters_may_be_added() -> None:
    # With its braces and its key, the schema takes 1,000 characters as JSON.
    target = {"description": "x" * (1_000 - len('{"description": ""}'))}

    assert written(references(1_000, target))[1] == ()
    assert written(references(1_001, target))[1] == ("tools.$ref",)


INNER = {"description": "x" * 600_000}


@pytest.mark.parametrize(
    "target",
    [
        *({keyword: [INNER]} for keyword in ("anyOf", "oneOf", "allOf")),
        *({keyword: {"q": INNER}} for keyword in ("properties", "patternProperties")),
        *({keyword: {"q": INNER}} for keyword in ("$defs", "definitions")),
        {"items": INNER},
    ],
    ids=lambda target: next(iter(target)),
)
def test_a_schema_within_a_schema_is_counted_once(target: Any) -> None:
    # Counted also as part of its parent, the schema would exceed a million characters.
    assert "tools.$ref" not in written(references(1, target))[1]


def test_a_property_name_counts_towards_the_size() -> None:
    target: Any = {"properties": {"q" * 1_000: {}}}

    assert "tools.$ref" not in written(references(900, target))[1]
    assert "tools.$ref" in written(references(1_000, target))[1]
