"""Write a tool's JSON Schema with the keywords that Ollama keeps.

Ollama reads a tool's parameters into Go types and drops, without an error, every keyword that the
types do not name: https://github.com/ollama/ollama/blob/main/api/types.go (ToolFunctionParameters,
ToolProperty). A keyword with an equal in those types is written so: references are inlined, `oneOf`
becomes `anyOf`, `const` an `enum`, and `allOf` is merged. The rest is sent unchanged and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from chatd.canonical.request import Tool
from chatd.errors import InvalidRequestError

Json = dict[str, Any]

# Schemas that the references of one request may add, their characters, and how deep they may be
# nested: references that double, or lead to themselves, would grow without end.
_MAX_INLINED = 10_000
_MAX_INLINED_CHARACTERS = 1_000_000
_MAX_DEPTH = 64
# Keywords that Ollama's types name, for a function's parameters and for one property.
_KEPT_OF_PARAMETERS = frozenset({"type", "required", "properties", "items"})
_KEPT_OF_PROPERTY = _KEPT_OF_PARAMETERS | {"description", "enum", "anyOf"}
# Keywords that describe the schema and not the value, or that hold inlined schemas.
_NOTES = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$defs", "definitions"),
        *("title", "description", "examples", "deprecated", "readOnly", "writeOnly"),
    }
)
_REWRITTEN = frozenset({"$ref", "$defs", "definitions", "oneOf", "allOf", "const"})
_MERGED = frozenset({"properties", "patternProperties"})


class ToolSchemas:
    """Write the parameters of a request's tools, and collect the lost keywords."""

    def __init__(self) -> None:
        self._lost: set[str] = set()
        self._inlined = 0
        self._characters = 0

    @property
    def lost(self) -> tuple[str, ...]:
        """The keywords that Ollama drops, as `tools.<keyword>`."""
        return tuple(f"tools.{keyword}" for keyword in sorted(self._lost))

    def parameters(self, tool: Tool) -> Mapping[str, Any]:
        """Write the parameters of a tool.

        Raises:
            InvalidRequestError: If they are nested too deeply.

        """
        given = tool.parameters or {"type": "object", "properties": {}}
        try:
            written = _Writer(self, given).schema(given, ())
        except RecursionError:
            raise InvalidRequestError(
                "the parameters of a tool are nested too deeply", param="tools"
            ) from None
        self._note(written, _KEPT_OF_PARAMETERS)
        return written

    def lose(self, keyword: str) -> None:
        """Note a lost keyword."""
        self._lost.add(keyword)

    def inlines(self, characters: int) -> bool:
        """Count an inlined schema; return False over the limits."""
        self._inlined += 1
        self._characters += characters
        return self._inlined <= _MAX_INLINED and self._characters <= _MAX_INLINED_CHARACTERS

    def _note(self, schema: Json, kept: frozenset[str]) -> None:
        """Note the keywords that Ollama drops; below `items` Ollama drops none."""
        self._lost.update(schema.keys() - kept - _NOTES)
        properties = schema.get("properties")
        branches = schema.get("anyOf") if "anyOf" in kept else None
        below = list(properties.values()) if isinstance(properties, Mapping) else []
        below += branches if isinstance(branches, list) else []
        for child in below:
            if isinstance(child, dict):
                self._note(child, _KEPT_OF_PROPERTY)


class _Writer:
    """Rewrite one schema, which its references point into."""

    def __init__(self, schemas: ToolSchemas, root: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self._root = root
        self._sizes: dict[int, int] = {}

    def schema(self, given: Any, inside: tuple[str, ...]) -> Json:
        """Rewrite a schema; `inside` holds the references on the way to this place."""
        if not isinstance(given, Mapping):  # true, false, or no schema at all
            return {}
        if inside and not self._schemas.inlines(self._size(given)):
            self._schemas.lose("$ref")
            return {}
        written: Json = {name: value for name, value in given.items() if name not in _REWRITTEN}
        for name in ("properties", "patternProperties"):
            if isinstance(children := written.get(name), Mapping):
                written[name] = {key: self.schema(each, inside) for key, each in children.items()}
        if isinstance(branches := written.get("anyOf"), list):
            written["anyOf"] = [self.schema(branch, inside) for branch in branches]
        if isinstance(items := written.get("items"), Mapping):
            written["items"] = self.schema(items, inside)
        self._rewrite(given, written, inside)
        return written

    def _rewrite(self, given: Mapping[str, Any], written: Json, inside: tuple[str, ...]) -> None:
        """Write the keywords with an equal; the schema's own keywords take precedence."""
        if "const" in given:
            written.setdefault("enum", [given["const"]])
        if isinstance(branches := given.get("oneOf"), list):
            if "anyOf" in written:
                self._schemas.lose("oneOf")
            else:
                written["anyOf"] = [self.schema(branch, inside) for branch in branches]
        if isinstance(parts := given.get("allOf"), list):
            self._merge(written, (self.schema(part, inside) for part in parts))
        if isinstance(reference := given.get("$ref"), str):
            for name, value in self._inlined(reference, inside).items():
                written.setdefault(name, value)

    def _inlined(self, reference: str, inside: tuple[str, ...]) -> Json:
        """Return the schema of a reference; for a reference to itself, its type alone."""
        target = self._target(reference)
        if target is None:
            self._schemas.lose("$ref")
            return {}
        if reference in inside or len(inside) >= _MAX_DEPTH:
            self._schemas.lose("$ref")
            return {name: target[name] for name in ("type", "description") if name in target}
        return self.schema(target, (*inside, reference))

    def _size(self, given: Mapping[str, Any]) -> int:
        """Count the characters of a schema's own keywords; inner schemas are counted apart."""
        known = self._sizes.get(id(given))
        if known is None:
            own = {name: _without_schemas(name, value) for name, value in given.items()}
            known = self._sizes[id(given)] = len(json.dumps(own))
        return known

    def _target(self, reference: str) -> Mapping[str, Any] | None:
        """Resolve a JSON pointer into the same schema: https://www.rfc-editor.org/rfc/rfc6901."""
        pointer = reference.removeprefix("#")
        if pointer == reference or (pointer and not pointer.startswith("/")):
            return None
        found: Any = self._root
        for part in pointer.split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else None

    def _merge(self, written: Json, parts: Iterable[Json]) -> None:
        """Merge the parts of `allOf`; note a loss where two parts differ."""
        required = _listed(written.get("required"))
        for part in parts:
            required += _listed(part.pop("required", None))
            for name, value in part.items():
                have = written.setdefault(name, value)
                if isinstance(have, dict) and isinstance(value, Mapping) and name in _MERGED:
                    for key, each in value.items():  # these objects are this writer's own
                        have.setdefault(key, each)
                elif have != value and name not in _NOTES:
                    self._schemas.lose("allOf")
        if required:
            written["required"] = list(dict.fromkeys(required))


def _without_schemas(name: str, value: Any) -> Any:
    """Return a keyword's value without inner schemas, which are counted apart."""
    if name in _MERGED and isinstance(value, Mapping):
        return list(value)
    of_schemas = name in ("$defs", "definitions", "$ref")
    of_schemas = of_schemas or (name == "items" and isinstance(value, Mapping))
    of_schemas = of_schemas or (name in ("anyOf", "oneOf", "allOf") and isinstance(value, list))
    return None if of_schemas else value


def _listed(names: Any) -> list[str]:
    """Return the names in a `required` list; none for another value."""
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
