"""Correct the tools of a request for the differences of a provider's row."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from chatd.canonical.request import ChatRequest, Tool
from chatd.config.provider import Provider

# Keywords of JSON Schema whose members are named by the caller, and those that hold any JSON:
# https://json-schema.org/draft/2020-12/json-schema-core
_OF_NAMES = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)
_OF_VALUES = frozenset({"const", "enum", "default", "examples", "example"})


def dropped(request: ChatRequest, row: Provider) -> Iterator[str]:
    """Name the keywords of tools that the row leaves out, as `tools.<keyword>`."""
    keywords = row.tool_schema_drops
    if not keywords:
        return
    found: set[str] = set()
    for tool in request.tools:
        if isinstance(tool, Tool):
            given = {"parameters": tool.parameters, "strict": tool.strict}
            _without({k: v for k, v in given.items() if v is not None}, keywords, found)
    yield from (f"tools.{keyword}" for keyword in keywords if keyword in found)


def correct(body: dict[str, Any], row: Provider) -> None:
    """Rename the choice of a tool, and leave out keywords of the tools; none is changed itself."""
    choice = body.get("tool_choice")
    if isinstance(choice, str):
        body["tool_choice"] = row.tool_choices.get(choice, choice)
    tools = body.get("tools")
    if row.tool_schema_drops and isinstance(tools, list):
        body["tools"] = [_tool(tool, row.tool_schema_drops) for tool in tools]


def _tool(tool: Any, keywords: Collection[str]) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    return {**tool, "function": _without(function, keywords, set())}


def _without(value: Any, keywords: Collection[str], found: set[str]) -> Any:
    """Copy a schema without keywords, at every level; a keyword with a schema stays.

    Args:
        value: The schema, or a value in it. The depth of a request is limited when it is read.
        keywords: The keywords.
        found: Gets the keywords that were left out.

    """
    if isinstance(value, list):
        return [_without(item, keywords, found) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {}
    for name, inner in value.items():
        if name in keywords and not isinstance(inner, dict):
            found.add(name)
        elif name in _OF_NAMES and isinstance(inner, dict):
            copy[name] = {key: _without(one, keywords, found) for key, one in inner.items()}
        else:
            copy[name] = inner if name in _OF_VALUES else _without(inner, keywords, found)
    return copy
