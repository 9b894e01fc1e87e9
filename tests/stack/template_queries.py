"""Query a CloudFormation template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Stack = dict[str, Any]


def properties(stack: Stack, name: str) -> dict[str, Any]:
    """Return the properties of one resource."""
    found: dict[str, Any] = stack["Resources"][name]["Properties"]
    return found


def of_type(stack: Stack, kind: str) -> dict[str, Any]:
    """Return the resources of one type by logical name."""
    return {name: r for name, r in stack["Resources"].items() if r["Type"] == kind}


def references(value: object) -> Iterator[str]:
    """Return every referenced name in a value, including conditions."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner
            elif key == "Fn::Sub" and isinstance(inner, str):
                yield from re.findall(r"\$\{([A-Za-z:]+)", inner)
            elif key == "Fn::Sub":
                yield from (*re.findall(r"\$\{([A-Za-z:]+)", inner[0]), *references(inner[1]))
            elif key == "Fn::If":
                yield from (inner[0], *references(inner[1:]))
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
