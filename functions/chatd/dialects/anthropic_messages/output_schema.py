"""Fit a JSON Schema to Anthropic's structured output, which takes a part of JSON Schema.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SUBSCHEMAS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf")
# What Anthropic takes of each type; `additionalProperties` only as false.
_KEPT = frozenset(
    {
        *("$ref", "$defs", "definitions", "type", "enum", "const", "default"),
        *("title", "description", "properties", "required", "items", "anyOf", "allOf"),
    }
)
# Keywords that say nothing about the answer.
_QUIET = frozenset({"$schema", "$id", "$comment", "examples", "additionalProperties"})
_FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    }
)
_DEEPEST = 100


class OutputSchema:
    """A schema in Anthropic's subset of JSON Schema, and the names of the lost keywords.

    Each object gets `additionalProperties: false`, `oneOf` becomes `anyOf`, and a keyword that
    Anthropic refuses is left out.

    Attributes:
        lost: The keywords left out, each once, in the order of their appearance.

    """

    def __init__(self) -> None:
        self.lost: dict[str, None] = {}

    def written(self, schema: Any, depth: int = 0) -> Any:
        """Write a schema; a value other than an object is not changed."""
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return schema
        written: dict[str, Any] = {}
        for name, value in schema.items():
            if name in _SUBSCHEMAS and isinstance(value, Mapping):
                written[name] = {key: self.written(one, depth + 1) for key, one in value.items()}
            elif name in _LISTS and isinstance(value, list):
                kept = "anyOf" if name == "oneOf" else name
                written[kept] = [self.written(one, depth + 1) for one in value]
            elif name == "items":
                written[name] = self.written(value, depth + 1)
            elif name in _KEPT or _is_taken(name, value):
                written[name] = value
            elif name not in _QUIET:
                self.lost[name] = None
        if _is_object(schema):
            if schema.get("additionalProperties") not in (None, False):
                self.lost["additionalProperties"] = None
            written["additionalProperties"] = False
        return written


def _is_taken(name: str, value: Any) -> bool:
    """Return whether Anthropic takes a keyword with this value."""
    return (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1))


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return (
        kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)
    )
