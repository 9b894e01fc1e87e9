"""Compile the keywords for members of objects and arrays, such as `properties` and `items`.

https://json-schema.org/draft/2020-12/json-schema-core#section-10.3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatd.json_schema.node import Check, Evaluated, Keyword, Node, Run
from chatd.json_schema.values import SchemaError, mapped, size

if TYPE_CHECKING:
    from chatd.json_schema.pattern import Pattern
    from chatd.json_schema.schema import Schema

_OBJECT_KEYWORDS = ("properties", "patternProperties", "additionalProperties")
_ARRAY_KEYWORDS = ("prefixItems", "items", "additionalItems")


def object_members(keyword: str) -> Keyword:
    """Compile the three keywords for an object's members into one check, at the first keyword."""

    def compile_keyword(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
        if keyword != next(name for name in _OBJECT_KEYWORDS if name in schema):
            return None
        named = {name: compiler.node(part) for name, part in _mapping(schema, "properties").items()}
        matching = [
            (compiler.pattern(source), compiler.node(part))
            for source, part in _mapping(schema, "patternProperties").items()
        ]
        rest = None
        if "additionalProperties" in schema:
            rest = compiler.node(schema["additionalProperties"])
        return _Members(named, matching, rest).check

    return compile_keyword


class _Members:
    """`properties`, `patternProperties` and `additionalProperties` of one schema."""

    def __init__(
        self,
        named: Mapping[str, Node],
        matching: list[tuple[Pattern | None, Node]],
        rest: Node | None,
    ) -> None:
        self._named = named
        self._matching = matching
        self._rest = rest

    def check(self, value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        if not isinstance(value, dict):
            return True
        for name, member in value.items():
            run.budget.spend()
            parts = self._parts(name, run)
            if not all(part.is_valid(member, run) for part in parts):
                return False
            if parts and evaluated is not None:
                evaluated.names.add(name)
        return True

    def _parts(self, name: str, run: Run) -> list[Node]:
        """Return the schemas for a member, by its name."""
        parts = [self._named[name]] if name in self._named else []
        for pattern, part in self._matching:
            if pattern is None:
                run.used_unknown = True
            if run.unknown_result if pattern is None else pattern.search(name, run.budget):
                parts.append(part)
        if not parts and self._rest is not None:
            return [self._rest]
        return parts


def property_names(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `propertyNames`."""
    part = compiler.node(schema["propertyNames"])
    return lambda value, run, _evaluated: (
        not isinstance(value, dict) or all(part.is_valid(name, run) for name in value)
    )


def array_items(keyword: str) -> Keyword:
    """Compile the keywords for an array's elements into one check, at the first keyword.

    Before 2020-12 `items` could be a list, and `additionalItems` applied to what follows it.
    """

    def compile_keyword(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
        if keyword != next(name for name in _ARRAY_KEYWORDS if name in schema):
            return None
        first, rest = schema.get("prefixItems", []), schema.get("items")
        if isinstance(rest, list):
            first, rest = rest, schema.get("additionalItems")
        prefix = [compiler.node(part) for part in _listed(first)]
        return _Items(prefix, None if rest is None else compiler.node(rest)).check

    return compile_keyword


class _Items:
    """`prefixItems` and `items` of one schema."""

    def __init__(self, prefix: list[Node], rest: Node | None) -> None:
        self._prefix = prefix
        self._rest = rest

    def check(self, value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        if not isinstance(value, list):
            return True
        if not all(
            part.is_valid(item, run) for part, item in zip(self._prefix, value, strict=False)
        ):
            return False
        if evaluated is not None:
            evaluated.prefix_length = max(evaluated.prefix_length, len(self._prefix))
        if self._rest is None:
            return True
        if evaluated is not None:
            evaluated.all_items = True
        start = len(self._prefix)
        return all(self._rest.is_valid(value[n], run) for n in range(start, len(value)))


def contains(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `contains` with `minContains` and `maxContains`."""
    part = compiler.node(schema["contains"])
    least = size(schema, "minContains") if "minContains" in schema else 1
    most = size(schema, "maxContains") if "maxContains" in schema else None

    def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        if not isinstance(value, list):
            return True
        matching_indexes = {n for n, item in enumerate(value) if part.is_valid(item, run)}
        if evaluated is not None:
            evaluated.indexes |= matching_indexes
        return least <= len(matching_indexes) and (most is None or len(matching_indexes) <= most)

    return check


def unevaluated_items(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `unevaluatedItems`."""
    part = compiler.node(schema["unevaluatedItems"])

    def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        if not isinstance(value, list) or evaluated is None or evaluated.all_items:
            return True
        run.budget.spend(len(value))
        left = [n for n in range(evaluated.prefix_length, len(value)) if n not in evaluated.indexes]
        evaluated.all_items = True
        return all(part.is_valid(value[n], run) for n in left)

    return check


def unevaluated_properties(compiler: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `unevaluatedProperties`."""
    part = compiler.node(schema["unevaluatedProperties"])

    def check(value: Any, run: Run, evaluated: Evaluated | None) -> bool:
        if not isinstance(value, dict) or evaluated is None:
            return True
        run.budget.spend(len(value))
        left = [name for name in value if name not in evaluated.names]
        evaluated.names.update(left)
        return all(part.is_valid(value[name], run) for name in left)

    return check


def _mapping(schema: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    return mapped(schema, keyword) if keyword in schema else {}


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SchemaError("a 'prefixItems' in it is not a list")
    return value
