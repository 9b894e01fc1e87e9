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
        space = None if isinstance(tool, OpaqueTool) else tool.namespace
        if space is None:
            written.append(found)
            continue
        if space not in spaces:
            fields = {"description": "", **nested_for(DIALECT, tool.extra, "namespace")}
            spaces[space] = {**fields, "type": "namespace", "name": space, "tools": []}
            written.append(spaces[space])
        spaces[space]["tools"].append(found)
    return written


def is_carried(tool: AnyTool) -> bool:
    """Return whether the dialect has this tool."""
    return _tool(tool, own=True) is not None


def tool_choice(request: ChatRequest) -> str | dict[str, Any] | None:
    """Write the choice of a tool; None for one of another dialect."""
    choice = request.tool_choice
    if choice is None or isinstance(choice, str):
        return choice
    fields = dict(fields_for(DIALECT, choice.extra))
    if isinstance(choice, NamedTool):
        custom = any(_is_custom(tool, choice.name) for tool in request.tools)
        return {**fields, "type": "custom" if custom else "function", "name": choice.name}
    if choice.extra.dialect == DIALECT:
        return {**fields, "type": choice.kind} if choice.kind else fields
    name = nested_name(choice.extra.fields, choice.kind)
    return None if name is None else {"type": choice.kind, "name": name}


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


def nested_name(fields: Mapping[str, Any], kind: str) -> str | None:
    """Return the name of a custom tool of OpenAI's chat dialect, which has it in an object."""
    inner = fields.get("custom") if kind == "custom" else None
    name = inner.get("name") if isinstance(inner, Mapping) else None
    return name if isinstance(name, str) else None


def _tool(tool: AnyTool, *, own: bool) -> dict[str, Any] | None:
    """Write a tool; None for one of another dialect.

    Args:
        tool: The tool.
        own: Whether it came in this dialect, which takes a function for strict unless told
            otherwise; all other dialects take it for not strict.

    """
    fields = fields_for(DIALECT, tool.extra)
    if isinstance(tool, OpaqueTool):
        return _opaque(tool)
    if isinstance(tool, CustomTool):
        return {**fields, **_custom(tool.name, tool.description, tool.format)}
    return {**fields, **_function(tool, own=own)}


def _function(tool: Tool, *, own: bool) -> dict[str, Any]:
    strict = tool.strict if own or tool.strict is not None else False
    nothing = {"type": "object", "properties": {}}
    parameters = tool.parameters if own or tool.parameters is not None else nothing
    found = {"description": tool.description, "parameters": parameters, "strict": strict}
    given = {name: value for name, value in found.items() if value is not None}
    return {"type": "function", "name": tool.name, **given}


def _opaque(tool: OpaqueTool) -> dict[str, Any] | None:
    """Write a tool of this dialect alone, or a custom tool of OpenAI's chat dialect."""
    if tool.extra.dialect == DIALECT:
        return {**tool.extra.fields, "type": tool.kind}
    name = nested_name(tool.extra.fields, tool.kind)
    if name is None:
        return None
    inner = tool.extra.fields["custom"]
    return _custom(name, inner.get("description"), inner.get("format"))


def _custom(name: str, description: str | None, form: Any) -> dict[str, Any]:
    """Write a custom tool; the chat dialect has the grammar in an object within the format."""
    found: dict[str, Any] = {"type": "custom", "name": name}
    if description is not None:
        found["description"] = description
    if isinstance(form, Mapping):
        grammar = form.get("grammar")
        found["format"] = {"type": "grammar", **grammar} if isinstance(grammar, Mapping) else form
    return found


def _is_custom(tool: AnyTool, name: str) -> bool:
    if isinstance(tool, CustomTool):
        return tool.name == name
    return isinstance(tool, OpaqueTool) and nested_name(tool.extra.fields, tool.kind) == name
