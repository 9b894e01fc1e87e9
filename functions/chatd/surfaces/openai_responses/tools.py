"""Read the tools of a request of OpenAI's Responses surface, and which of them may be called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chatd.canonical.content import Opaque
from chatd.canonical.extra import Extra, Json, extra_of, unnamed
from chatd.canonical.request import AnyTool, CustomTool, NamedTool, OpaqueTool, Tool, ToolChoice
from chatd.surfaces.openai_responses.parts import DIALECT, missing

_OF_FUNCTION = frozenset({"type", "name", "description", "parameters", "strict"})
_OF_CUSTOM = frozenset({"type", "name", "description", "format"})
_OF_NAMESPACE = frozenset({"type", "name", "tools"})
_OF_CHOICE = frozenset({"type", "name"})


def tools_of(given: Sequence[tuple[str, Json]]) -> tuple[AnyTool, ...]:
    """Read the tools, each with its place in the request; a namespace becomes its tools.

    Raises:
        InvalidRequestError: If a tool lacks its name.

    """
    return tuple([tool for place, one in given for tool in _tools(one, place)])


def choice_of(
    choice: str | Json | None, tools: tuple[AnyTool, ...]
) -> tuple[ToolChoice | None, tuple[AnyTool, ...]]:
    """Read which tool the model must call.

    Returns:
        The choice, and the tools that remain: of `allowed_tools` only those.

    """
    if choice is None or isinstance(choice, str):
        return choice, tools
    kind, name = choice.get("type"), choice.get("name")
    if kind in ("function", "custom") and isinstance(name, str):
        return NamedTool(name, extra_of(DIALECT, choice, _OF_CHOICE)), tools
    if kind == "allowed_tools" and choice.get("mode") in ("auto", "required"):
        allowed = choice.get("tools")
        if isinstance(allowed, list) and all(isinstance(one, dict) for one in allowed):
            return choice["mode"], _allowed(tools, allowed)
    if isinstance(kind, str):
        return Opaque(kind, Extra(DIALECT, unnamed(choice, {"type"}))), tools
    return Opaque("", Extra(DIALECT, choice)), tools


def _allowed(tools: tuple[AnyTool, ...], allowed: Sequence[Json]) -> tuple[AnyTool, ...]:
    names = {one["name"] for one in allowed if isinstance(one.get("name"), str)}
    kinds = {one["type"] for one in allowed if isinstance(one.get("type"), str)}
    return tuple(
        [
            tool
            for tool in tools
            if (tool.kind in kinds if isinstance(tool, OpaqueTool) else tool.name in names)
        ]
    )


def _tools(tool: Json, place: str) -> Iterator[AnyTool]:
    if tool["type"] != "namespace":
        yield _tool(tool, place)
        return
    inner = tool.get("tools")
    if inner is None:
        raise missing(f"{place}.tools")
    if not inner:
        yield OpaqueTool("namespace", Extra(DIALECT, unnamed(tool, {"type"})))
    name, rest = _name(tool, place), {"namespace": unnamed(tool, _OF_NAMESPACE)}
    for number, one in enumerate(inner):
        yield _tool(one, f"{place}.tools.{number}", name, rest)


def _tool(
    tool: Json, place: str, namespace: str | None = None, rest: Mapping[str, Json] | None = None
) -> AnyTool:
    """Read a tool; `rest` has the unnamed fields of its namespace."""
    kind, nested = tool["type"], rest or {}
    description: Any = tool.get("description")
    if kind == "function":
        return Tool(
            _name(tool, place),
            description,
            tool.get("parameters"),
            tool.get("strict"),
            extra_of(DIALECT, tool, _OF_FUNCTION, **nested),
            namespace,
        )
    if kind == "custom":
        extra = extra_of(DIALECT, tool, _OF_CUSTOM, **nested)
        return CustomTool(_name(tool, place), description, tool.get("format"), extra, namespace)
    if namespace is not None:
        nested = {**nested, "in": {"namespace": namespace}}
    return OpaqueTool(kind, Extra(DIALECT, unnamed(tool, {"type"}), nested))


def _name(tool: Json, place: str) -> str:
    name = tool.get("name")
    if name is None:
        raise missing(f"{place}.name")
    found: str = name
    return found
