"""Read the value of a schema's keyword as a number, list or object; refuse a wrong type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SchemaError(ValueError):
    """The schema is invalid or not supported. The message gives the reason and no quote."""


def is_number(value: Any) -> bool:
    """Whether a value is a JSON number; Python's booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def size(schema: Mapping[str, Any], keyword: str) -> int:
    """A keyword's value, a whole number from 0.

    Raises:
        SchemaError: If it is anything else.

    """
    value = schema[keyword]
    if not is_number(value) or value < 0 or value != value // 1:
        raise SchemaError(f"a {keyword!r} in it is not a whole number from 0")
    return int(value)


def listed(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    """A keyword's value, a list.

    Raises:
        SchemaError: If it is anything else.

    """
    value = schema[keyword]
    if not isinstance(value, list):
        raise SchemaError(f"a {keyword!r} in it is not a list")
    return value


def mapped(schema: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    """A keyword's value, an object.

    Raises:
        SchemaError: If it is anything else.

    """
    value = schema[keyword]
    if not isinstance(value, dict):
        raise SchemaError(f"a {keyword!r} in it is not an object")
    return value


def names(value: Any, keyword: str) -> list[str]:
    """A list of property names.

    Raises:
        SchemaError: If it is anything else.

    """
    if not isinstance(value, list) or any(not isinstance(name, str) for name in value):
        raise SchemaError(f"a {keyword!r} in it is not a list of names")
    return value
