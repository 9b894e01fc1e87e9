"""Compile the keywords for members of objects and arrays, such as `properties` and `items`.

https://json-schema.org/draft/2020-12/json-schema-core#section-10.3
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chatd.json_schema.node import Check, Keyword, Node, Run, Seen
from chatd.json_schema.values import SchemaError, mapped, size

if TYPE_CHECKING:
    from chatd.json_schema.pattern import Pattern
    from chatd.json_schema.schema import Schema

_OBJECT_KEYWORDS = ("properties", "patternProperties", "additionalProperties")
_ARRAY_KEYWORDS = ("prefixItems", "items", "additionalItems")


def object_members(keyword: str) -> Keyword:
    """Compile the three keywords for an object's members into one check, at the first keyword."""

    def compile_keyword(place: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
        if keyword != next(name for name in _OBJECT_KEYWORDS if name in schema):
            return None
        named = {name: place.node(part) for name, part in _mapping(schema, "properties").items()}
        matching = [
            (place.pattern(source), place.node(part))
            for source, part in _mapping(schema, "patternProperties").items()
        ]
        rest = None
        if "additionalProperties" in schema:
            rest = place.node(schema["additionalProperties"])
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

    def check(self, value: Any, run: Run, seen: Seen | None) -> bool:
        if not isinstance(value, dict):
            return True
        for name, member in value.items():
            run.budget.spend()
            parts = self._parts(name, run)
            if not all(part.holds(member, run) for part in parts):
                return False
            if parts and seen is not None:
                seen.names.add(name)
        return True

    def _parts(self, name: str, run: Run) -> list[Node]:
        """Return the schemas for a member, by its name."""
        parts = [self._named[name]] if name in self._named else []
        for pattern, part in self._matching:
            if pattern is None:
                run.guessed = True
            if run.unknown if pattern is None else pattern.search(name, run.budget):
                parts.append(part)
        if not parts and self._rest is not None:
            return [self._rest]
        return parts


def property_names(place: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `propertyNames`."""
    part = place.node(schema["propertyNames"])
    return lambda value, run, _seen: (
        not isinstance(value, dict) or all(part.holds(name, run) for name in value)
    )


def array_items(keyword: str) -> Keyword:
    """Compile the keywords for an array's elements into one check, at the first keyword.

    Before 2020-12 `items` could be a list, and `additionalItems` applied to what follows it.
    """

    def compile_keyword(place: Schema, schema: Mapping[str, Any], _node: Node) -> Check | None:
        if keyword != next(name for name in _ARRAY_KEYWORDS if name in schema):
            return None
        first, rest = schema.get("prefixItems", []), schema.get("items")
        if isinstance(rest, list):
            first, rest = rest, schema.get("additionalItems")
        prefix = [place.node(part) for part in _listed(first)]
        return _Items(prefix, None if rest is None else place.node(rest)).check

    return compile_keyword


class _Items:
    """`prefixItems` and `items` of one schema."""

    def __init__(self, prefix: list[Node], rest: Node | None) -> None:
        self._prefix = prefix
        self._rest = rest

    def check(self, value: Any, run: Run, seen: Seen | None) -> bool:
        if not isinstance(value, list):
            return True
        if not all(part.holds(item, run) for part, item in zip(self._prefix, value, strict=False)):
            return False
        if seen is not None:
            seen.first = max(seen.first, len(self._prefix))
        if self._rest is None:
            return True
        if seen is not None:
            seen.everything = True
        start = len(self._prefix)
        return all(self._rest.holds(value[n], run) for n in range(start, len(value)))


def contains(place: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `contains` with `minContains` and `maxContains`."""
    part = place.node(schema["contains"])
    least = size(schema, "minContains") if "minContains" in schema else 1
    most = size(schema, "maxContains") if "maxContains" in schema else None

    def check(value: Any, run: Run, seen: Seen | None) -> bool:
        if not isinstance(value, list):
            return True
        found = {n for n, item in enumerate(value) if part.holds(item, run)}
        if seen is not None:
            seen.indexes |= found
        return least <= len(found) and (most is None or len(found) <= most)

    return check


def unevaluated_items(place: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `unevaluatedItems`."""
    part = place.node(schema["unevaluatedItems"])

    def check(value: Any, run: Run, seen: Seen | None) -> bool:
        if not isinstance(value, list) or seen is None or seen.everything:
            return True
        run.budget.spend(len(value))
        left = [n for n in range(seen.first, len(value)) if n not in seen.indexes]
        seen.everything = True
        return all(part.holds(value[n], run) for n in left)

    return check


def unevaluated_properties(place: Schema, schema: Mapping[str, Any], _node: Node) -> Check:
    """Compile `unevaluatedProperties`."""
    part = place.node(schema["unevaluatedProperties"])

    def check(value: Any, run: Run, seen: Seen | None) -> bool:
        if not isinstance(value, dict) or seen is None:
            return True
        run.budget.spend(len(value))
        left = [name for name in value if name not in seen.names]
        seen.names.update(left)
        return all(part.holds(value[name], run) for name in left)

    return check


def _mapping(schema: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    return mapped(schema, keyword) if keyword in schema else {}


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise SchemaError("a 'prefixItems' in it is not a list")
    return value
