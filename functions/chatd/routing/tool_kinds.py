"""Decide whether the tools of a request must be adapted to a target."""

from __future__ import annotations

import re

from chatd.canonical.content import ToolCall
from chatd.canonical.request import ChatRequest, CustomTool, OpaqueTool, Tool

ANY_NAME = "any_name"
ALL_KINDS = frozenset({"custom", "namespace", ANY_NAME})
"""The kinds of tools besides functions, as Dialect.tool_kinds names them."""
# The names that every provider takes: https://platform.openai.com/docs/api-reference/chat/create
_FITTING = r"[A-Za-z0-9_-]{1,64}"  # compiled on first use


def is_lacking(request: ChatRequest, kinds: frozenset[str]) -> bool:
    """Return whether a tool, or a call in the conversation, is of a kind that is lacking.

    Args:
        request: The chat.
        kinds: The kinds of tools besides functions that the target takes.

    """
    if kinds >= ALL_KINDS:
        return False
    for tool in request.tools:
        if not isinstance(tool, OpaqueTool) and changes(
            tool, kinds, custom=isinstance(tool, CustomTool)
        ):
            return True
    for message in request.messages:
        for block in message.blocks:
            if type(block) is ToolCall and changes(block, kinds, custom=block.kind == "custom"):
                return True
    return False


def is_chosen(request: ChatRequest) -> bool:
    """Return whether a tool must be called, or one at most."""
    chosen = request.tool_choice not in (None, "auto", "none")
    return bool(request.tools) and (chosen or request.parallel_tool_calls is False)


def changes(tool: Tool | CustomTool | ToolCall, kinds: frozenset[str], *, custom: bool) -> bool:
    """Return whether a tool, or the tool of a call, gets another name or becomes a function."""
    named = tool.namespace is not None and "namespace" not in kinds
    return named or (custom and "custom" not in kinds) or not fits(tool.name, kinds)


def fits(name: str, kinds: frozenset[str]) -> bool:
    """Return whether the target takes the name of a tool."""
    return ANY_NAME in kinds or re.fullmatch(_FITTING, name) is not None
