"""Express a choice of tools for a provider that takes a part of the choices."""

from __future__ import annotations

from dataclasses import replace

from chatd.canonical.request import ChatRequest, CustomTool, NamedTool, Tool
from chatd.config.provider import Provider
from chatd.routing.forced_answers import FirstCall


def limited(request: ChatRequest, row: Provider) -> tuple[ChatRequest, FirstCall | None]:
    """Write the choice of tools with what the provider takes, where that means the same.

    Args:
        request: The chat.
        row: The provider's row.

    Returns:
        The request, and the adaptation that removes later calls from the answer; the same request
        and None where nothing changes.

    """
    choice = request.tool_choice
    if choice == "none" and "tool_choice" in row.refuses:
        request = replace(request, tools=(), tool_choice=None, parallel_tool_calls=None)
    elif isinstance(choice, NamedTool) and "named_tool" in row.refuses:
        named = tuple(tool for tool in request.tools if _is_named(tool, choice.name))
        if named:
            request = replace(request, tools=named, tool_choice="required")
    if request.parallel_tool_calls is None or "parallel_tool_calls" not in row.refuses:
        return request, None
    first = None if request.parallel_tool_calls else FirstCall()
    return replace(request, parallel_tool_calls=None), first


def _is_named(tool: object, name: str) -> bool:
    return isinstance(tool, Tool | CustomTool) and tool.name == name
