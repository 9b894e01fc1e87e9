"""Write the tools, the choice of one and the format, as OpenAI's Responses dialect has them.

https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.extra import fields_for, nested_for
from chatd.canonical.request import (
    AnyTool,
    ChatRequest,
    CustomTool,
    NamedTool,
    OpaqueTool,
    Tool,
)
from chatd.dialects.openai_responses.reading import DIALECT


def tools(request: ChatRequest) -> list[dict[str, Any]]:
    """Write the tools; those of a namespace together, where its first one stands."""
    own = request.source is not None and request.source.dialect == DIALECT
    written: list[dict[str, Any]] = []
    spaces: dict[str, dict[str, Any]] = {}
    for tool in request.tools:
        found = _tool(tool, own=own)
        if found is None:
            continue
        space = _namespace_of(tool)
        if space is None:
            written.append(found)
            continue
        if space not in spaces:
            fields = {"description": "", **nested_for(DIALECT, tool.extra, "namespace")}
            spaces[space] = {**fields, "type": "namespace", "name": space, "tools": []}
            written.append(spaces[space])
        spaces[space]["tools"].append(found)
    return written


def tool_choice(request: ChatRequest) -> str | dict[str, Any] | None:
    """Write the choice of a tool; None for one of another dialect."""
    choice = request.tool_choice
    if choice is None or isinstance(choice, str):
        return choice
    fields = dict(fields_for(DIALECT, choice.extra))
    if isinstance(choice, NamedTool):
        named = [tool for tool in request.tools if isinstance(tool, CustomTool)]
        custom = any(tool.name == choice.name for tool in named)
        return {**fields, "type": "custom" if custom else "function", "name": choice.name}
    if choice.extra.dialect != DIALECT:
        return None
    return {**fields, "type": choice.kind} if choice.kind else fields


def text_format(request: ChatRequest) -> dict[str, Any] | None:
    """Write the format of the answer."""
    fields = fields_for(DIALECT, request.format_extra)
    if request.format is None:
        return {**fields, "type": "text"} if fields else None
    if isinstance(request.format, str):
        return {**fields, "type": "json_object"}
    found: dict[str, Any] = {
        **fields,
        "type": "json_schema",
        "name": request.schema_name or "answer",
        "schema": request.format,
    }
    if request.schema_description is not None:
        found["description"] = request.schema_description
    if request.strict is not None:
        found["strict"] = request.strict
    return found


def _namespace_of(tool: AnyTool) -> str | None:
    if isinstance(tool, OpaqueTool):
        found: str | None = nested_for(DIALECT, tool.extra, "in").get("namespace")
        return found
    return tool.namespace


def _tool(tool: AnyTool, *, own: bool) -> dict[str, Any] | None:
    """Write a tool; None for one of another dialect.

    Args:
        tool: The tool.
        own: Whether it came in this dialect, which takes a function for strict unless told
            otherwise; all other dialects take it for not strict.

    """
    fields = fields_for(DIALECT, tool.extra)
    if isinstance(tool, OpaqueTool):
        return {**fields, "type": tool.kind} if tool.extra.dialect == DIALECT else None
    if isinstance(tool, CustomTool):
        return {**fields, **_custom(tool)}
    return {**fields, **_function(tool, own=own)}


def _function(tool: Tool, *, own: bool) -> dict[str, Any]:
    strict = tool.strict if own or tool.strict is not None else False
    nothing = {"type": "object", "properties": {}}
    parameters = tool.parameters if own or tool.parameters is not None else nothing
    found = {"description": tool.description, "parameters": parameters, "strict": strict}
    given = {name: value for name, value in found.items() if value is not None}
    return {"type": "function", "name": tool.name, **given}


def _custom(tool: CustomTool) -> dict[str, Any]:
    """Write a custom tool; the chat dialect has the grammar in an object within the format."""
    found: dict[str, Any] = {"type": "custom", "name": tool.name}
    if tool.description is not None:
        found["description"] = tool.description
    if tool.format is not None:
        grammar: Any = tool.format.get("grammar")
        nested = isinstance(grammar, Mapping)
        found["format"] = {"type": "grammar", **grammar} if nested else tool.format
    return found
