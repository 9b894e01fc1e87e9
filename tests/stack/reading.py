"""Short ways into a CloudFormation template. It knows nothing of this stack."""

from __future__ import annotations

from typing import Any

Stack = dict[str, Any]


def properties(stack: Stack, name: str) -> dict[str, Any]:
    """The properties of one resource."""
    found: dict[str, Any] = stack["Resources"][name]["Properties"]
    return found


def of_type(stack: Stack, kind: str) -> dict[str, Any]:
    """The resources of one type, by their logical names."""
    return {name: r for name, r in stack["Resources"].items() if r["Type"] == kind}
