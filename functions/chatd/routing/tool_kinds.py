"""Decide whether the tools of a request must be adapted to a target."""

from __future__ import annotations

from chatd.canonical.content import ToolCall
from chatd.canonical.request import ChatRequest, CustomTool, OpaqueTool

ALL_KINDS = frozenset({"custom", "namespace"})
"""The kinds of tools besides functions, as Dialect.tool_kinds names them."""


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
            tool.namespace, kinds, custom=isinstance(tool, CustomTool)
        ):
            return True
    for message in request.messages:
        for block in message.blocks:
            if type(block) is ToolCall and changes(
                block.namespace, kinds, custom=block.kind == "custom"
            ):
                return True
    return False


def is_chosen(request: ChatRequest) -> bool:
    """Return whether a tool must be called, or one at most."""
    chosen = request.tool_choice not in (None, "auto", "none")
    return bool(request.tools) and (chosen or request.parallel_tool_calls is False)


def changes(namespace: str | None, kinds: frozenset[str], *, custom: bool) -> bool:
    """Return whether a tool of this namespace or kind is written as a function."""
    named = namespace is not None and "namespace" not in kinds
    return named or (custom and "custom" not in kinds)
