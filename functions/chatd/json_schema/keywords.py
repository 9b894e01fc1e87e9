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
from chatd.json_schema.node import Check, Evaluated, Keyword, Node, Run
from chatd.json_schema.values import SchemaError, listed, mapped, names

if TYPE_CHECKING:
    from chatd.json_schema.schema import Schema


def _dependent(keyword: str) -> Keyword:
    """`dependentRequired`, `dependentSchemas`, and `dependencies`, which was both."""

    def compile_keyword(compiler: Schema, schema: Mapping[str, Any], node: Node) -> Check:
        required: dict[str, list[str]] = {}
        schemas: dict[str, Node] = {}
        for name, wanted in mapped(schema, keyword).items():
            if isinstance(wanted, list) and keyword != "dependentSchemas":
                required[name] = names(wanted, keyword)
            elif keyword != "dependentRequired":
                schemas[name] = compiler.node(wanted)
            else:
                raise SchemaError(f"a {keyword!r} in it is not a list of names")
        node.in_place += schemas.values()

        def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
            if not isinstance(value, dict):
                return True
            for name, wanted in required.items():
                run.budget.spend(1 + len(wanted))
                if name in value and any(other not in value for other in wanted):
                    return False
            return all(
                name not in value or part.is_valid_isolated(value, run, evaluated)
                for name, part in schemas.items()
            )

        return check

    return compile_keyword


def _definitions(keyword: str) -> Keyword:
    def compile_keyword(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> None:
        for part in mapped(schema, keyword).values():
            compiler.node(part)

    return compile_keyword


def _all_of(compiler: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    parts = _parts(compiler, schema, "allOf", node)
    return lambda value, run, evaluated: all(
        part.is_valid_isolated(value, run, evaluated) for part in parts
    )


def _any_of(compiler: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    parts = _parts(compiler, schema, "anyOf", node)

    def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        if evaluated is None:
            return any(part.is_valid(value, run) for part in parts)
        # Every valid branch adds its evaluated members.
        return sum(part.is_valid_isolated(value, run, evaluated) for part in parts) > 0

    return check


def _one_of(compiler: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    parts = _parts(compiler, schema, "oneOf", node)

    def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        valid_parts = 0
        for part in parts:
            valid_parts += part.is_valid_isolated(value, run, evaluated)
            if valid_parts > 1:
                return False
        return valid_parts == 1

    return check


def _not(compiler: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    part = compiler.node(schema["not"])
    node.in_place.append(part)
    return lambda value, run, _evaluated: not part.is_valid(value, run)


def _if(compiler: Schema, schema: Mapping[str, Any], node: Node) -> Check:
    condition = compiler.node(schema["if"])
    positive = compiler.node(schema.get("then", True))
    negative = compiler.node(schema.get("else", True))
    node.in_place += (condition, positive, negative)

    def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        chosen = positive if condition.is_valid_isolated(value, run, evaluated) else negative
        return chosen.is_valid_isolated(value, run, evaluated)

    return check


def _parts(compiler: Schema, schema: Mapping[str, Any], keyword: str, node: Node) -> list[Node]:
    parts = [compiler.node(part) for part in listed(schema, keyword)]
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
# These depend on the members that all other keywords have evaluated.
LAST: Mapping[str, Keyword] = {
    "unevaluatedItems": unevaluated_items,
    "unevaluatedProperties": unevaluated_properties,
}
