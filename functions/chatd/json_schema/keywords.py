"""Compile the keywords that combine schemas, such as `anyOf`; tabulate all keywords.

https://json-schema.org/draft/2020-12/json-schema-core#section-10.2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatd.json_schema.assertions import ASSERTIONS
from chatd.json_schema.members import (
    array_items,
    contains,
    object_members,
    property_names,
    unevaluated_items,
    unevaluated_properties,
)
from chatd.json_schema.node import Check, Keyword, Node, Run, Seen
from chatd.json_schema.values import SchemaError, listed, mapped, names

if TYPE_CHECKING:
    from chatd.json_schema.schema import Schema


def _dependent(keyword: str) -> Keyword:
    """`dependentRequired`, `dependentSchemas`, and `dependencies`, which was both."""

    def compile_keyword(place: Schema, schema: Mapping[str, Any], node: Node) -> Check:
        required: dict[str, list[str]] = {}
        schemas: dict[str, Node] = {}
        for name, wanted in mapped(schema, keyword).items():
            if isinstance(wanted, list) and keyword != "dependentSchemas":
                required[name] = names(wanted, keyword)
            elif keyword != "dependentRequired":
                schemas[name] = place.node(wanted)
            else:
                raise SchemaError(f"a {keyword!r} in it is not a list of names")
        node.in_place += schemas.values()

        def check(value: Any, run: Run, seen: Seen | None) -> bool:
            if not isinstance(value, dict):
                return True
            for name, wanted in required.items():
                run.budget.spend(1 + len(wanted))
                if name in value and any(other not in value for other in wanted):
                    return False
            return all(
                name not in value or part.tried(value, run, seen) for name, part in schemas.items()
            )

        return check

    return compile_keyword


def _definitions(keyword: str) -> Keyword:
    def compile_keyword(place: Schema, schema: Mapping[str, Any], _node: Node) -> None:
        for part in mapped(schema, keyword).values():
            place.node(part)

    return compile_keyword


def _all_of(place: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    parts = _parts(place, schema, "allOf", node)
    return lambda value, run, seen: all(part.tried(value, run, seen) for part in parts)


def _any_of(place: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    parts = _parts(place, schema, "anyOf", node)

    def check(value: Any, run: Run, seen: Seen | None) -> bool:
        if seen is None:
            return any(part.holds(value, run) for part in parts)
        # Every valid branch adds to what was evaluated.
        return sum(part.tried(value, run, seen) for part in parts) > 0

    return check


def _one_of(place: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    parts = _parts(place, schema, "oneOf", node)

    def check(value: Any, run: Run, seen: Seen | None) -> bool:
        found = 0
        for part in parts:
            found += part.tried(value, run, seen)
            if found > 1:
                return False
        return found == 1

    return check


def _not(place: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    part = place.node(schema["not"])
    node.in_place.append(part)
    return lambda value, run, _seen: not part.holds(value, run)


def _if(place: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    condition = place.node(schema["if"])
    positive = place.node(schema.get("then", True))
    negative = place.node(schema.get("else", True))
    node.in_place += (condition, positive, negative)

    def check(value: Any, run: Run, seen: Seen | None) -> bool:
        chosen = positive if condition.tried(value, run, seen) else negative
        return chosen.tried(value, run, seen)

    return check


def _parts(place: Schema, schema: Mapping[str, Any], keyword: str, node: Node) -> list[Node]:
    parts = [place.node(part) for part in listed(schema, keyword)]
    if not parts:
        raise SchemaError(f"a {keyword!r} in it is empty")
    node.in_place += parts
    return parts


KEYWORDS: Mapping[str, Keyword] = {
    **ASSERTIONS,
    "dependentRequired": _dependent("dependentRequired"),
    "dependentSchemas": _dependent("dependentSchemas"),
    "dependencies": _dependent("dependencies"),
    "properties": object_members("properties"),
    "patternProperties": object_members("patternProperties"),
    "additionalProperties": object_members("additionalProperties"),
    "propertyNames": property_names,
    "prefixItems": array_items("prefixItems"),
    "items": array_items("items"),
    "additionalItems": array_items("additionalItems"),
    "contains": contains,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
    "$defs": _definitions("$defs"),
    "definitions": _definitions("definitions"),
}
# These depend on what all the others have evaluated.
LAST: Mapping[str, Keyword] = {
    "unevaluatedItems": unevaluated_items,
    "unevaluatedProperties": unevaluated_properties,
}
