"""Emulate a forced tool for a dialect without a choice of tools, by a format.

The arguments of a forced function are JSON of its parameters, and so is an answer in that format.
The tools are described in the system text instead of sent, because a provider that reads calls
of tools does not write them in a format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chatd.canonical.extra import Json
from chatd.canonical.request import ChatRequest, NamedTool, Tool
from chatd.routing.forced_answers import FirstCall, ForcedCall
from chatd.routing.structured_output import instructed

_ONE = "Call the function {}: answer with the JSON object of its arguments, and nothing else.\n\n{}"
_ANY = (
    "Call one of these functions: answer with a JSON object of the function's name and its"
    ' arguments, {{"name": "...", "arguments": {{}}}}, and nothing else.\n\n{}'
)
# The places of the definitions that a schema refers to.
_DEFINITIONS = ("$defs", "definitions")


def emulated(request: ChatRequest) -> tuple[ChatRequest, ForcedCall | FirstCall | None]:
    """Emulate the choice of a tool, or the limit of one call.

    Args:
        request: The chat, with functions as its only tools.

    Returns:
        The request, and the adaptation that turns the answer into a call; the same request and None
        where nothing is chosen, or where no emulation exists: the dialect then refuses the choice.

    """
    if not request.tools:
        return request, None
    if request.tool_choice in (None, "auto", "none"):
        if request.parallel_tool_calls is not False:
            return request, None
        return replace(request, parallel_tool_calls=None), FirstCall()
    tools = _chosen(request)
    schema = _schema(tools) if _is_free(request) else None
    if schema is None:
        return request, None
    words = "\n".join(map(_described, tools))
    text = _ONE.format(json.dumps(tools[0].name), words) if len(tools) == 1 else _ANY.format(words)
    changed = replace(
        instructed(request, text),
        tools=(),
        tool_choice=None,
        parallel_tool_calls=None,
        format=schema,
    )
    return changed, ForcedCall(tuple(tool.name for tool in tools))


def _is_free(request: ChatRequest) -> bool:
    return request.format is None and (request.n or 1) == 1


def _chosen(request: ChatRequest) -> list[Tool]:
    """Return the functions that the model may choose from; empty for an unknown choice."""
    tools = [tool for tool in request.tools if isinstance(tool, Tool)]
    choice = request.tool_choice
    if isinstance(choice, NamedTool):
        return [tool for tool in tools if tool.name == choice.name][:1]
    return tools if choice == "required" else []


def _schema(tools: Sequence[Tool]) -> Json | None:
    """Return the schema of the answer; None where the tools' schemas cannot be joined."""
    if len(tools) == 1:
        return _parameters(tools[0])
    definitions: dict[str, dict[str, Any]] = {}
    choices = []
    for tool in tools:
        parameters = dict(_parameters(tool))
        for place in _DEFINITIONS:
            found = parameters.pop(place, None) or {}
            known = definitions.setdefault(place, {})
            if any(known.get(name, schema) != schema for name, schema in found.items()):
                return None
            known.update(found)
        choices.append(
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": parameters},
                "required": ["name", "arguments"],
            }
        )
    joined = {place: found for place, found in definitions.items() if found}
    return {"anyOf": choices, **joined} if choices else None


def _parameters(tool: Tool) -> Json:
    return tool.parameters or {"type": "object"}


def _described(tool: Tool) -> str:
    schema = json.dumps(_parameters(tool), ensure_ascii=False)
    return f"{tool.name}: {tool.description or ''}\nParameters: {schema}"
