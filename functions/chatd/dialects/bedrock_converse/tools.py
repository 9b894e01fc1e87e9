"""Write the tools and the choice of a tool in Bedrock's Converse dialect.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chatd.canonical.request import ChatRequest, NamedTool, Tool, ToolChoice
from chatd.dialects.anthropic_messages.output_schema import OutputSchema
from chatd.dialects.bedrock_converse.cache_points import cache_point
from chatd.dialects.bedrock_converse.model_facts import ConverseModel
from chatd.errors import InvalidRequestError

Json = dict[str, Any]
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
_NAME = r"[a-zA-Z0-9_-]{1,64}"
_NAME_RULE = "Bedrock takes names of tools of 1 to 64 letters, digits, `_` and `-`"


class ToolConfig:
    """Write the tools of a request, and the choice of a tool.

    Args:
        request: The request.
        model: The abilities of the model.

    Attributes:
        fields: The field `toolConfig`, if there is any tool.
        lost: The caller's names of the fields that are left out.
        forced: Whether a tool must be called.

    Raises:
        InvalidRequestError: If a tool has a name that Bedrock refuses.

    """

    def __init__(self, request: ChatRequest, model: ConverseModel) -> None:
        self._model = model
        self.lost: list[str] = []
        self.fields: Json = {}
        self.forced = False
        tools = [tool for tool in request.tools if isinstance(tool, Tool)]
        choice = request.tool_choice
        if choice == "none":
            # Bedrock has no such choice: a model without tools calls none.
            tools = []
        if isinstance(choice, NamedTool) and not model.takes_named_tool:
            tools, choice = [tool for tool in tools if tool.name == choice.name], "required"
        specs = [one for n, tool in enumerate(tools) for one in self._tool(tool, n)]
        if not specs:
            specs = list(_of_history(request))
            self.lost += ["tool_choice"] if specs and choice == "none" else []
            choice = None
        if specs:
            chosen = _choice(choice)
            self.forced = bool(chosen)
            self.fields["toolConfig"] = {"tools": specs, **chosen}
            self._note_parallel(request)

    def _tool(self, tool: Tool, position: int) -> Iterator[Json]:
        """Write a tool and the cache point after the tool."""
        if not re.fullmatch(_NAME, tool.name):
            raise InvalidRequestError(_NAME_RULE, param=f"tools.{position}.function.name")
        schema = {"type": "object", **(tool.parameters or {"properties": {}})}
        spec: Json = {"name": tool.name, "inputSchema": {"json": schema}}
        if tool.description:
            spec["description"] = tool.description
        if tool.strict:
            self._write_strict(tool, spec)
        yield {"toolSpec": spec}
        if self._model.caches_tools and (point := cache_point(tool.extra, self._model)):
            yield point

    def _write_strict(self, tool: Tool, spec: Json) -> None:
        """Write `strict`, or name `strict` as lost where schema or model cannot be enforced."""
        schema = OutputSchema()
        fitted = schema.written(tool.parameters or {})
        if schema.lost or fitted != tool.parameters or not self._model.enforces_schemas:
            self.lost.append("tools.strict")
        else:
            spec["strict"] = True

    def _note_parallel(self, request: ChatRequest) -> None:
        if request.parallel_tool_calls is False:
            self.lost.append("parallel_tool_calls")


def _choice(choice: ToolChoice | None) -> Json:
    """Write the choice, except `auto`: the default, which some models refuse."""
    if choice == "required":
        return {"toolChoice": {"any": {}}}
    if isinstance(choice, NamedTool):
        return {"toolChoice": {"tool": {"name": choice.name}}}
    return {}


def _of_history(request: ChatRequest) -> Iterator[Json]:
    """Write the tools of calls in the history, which Bedrock needs where no tool is offered.

    https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use-inference-call.html
    """
    names = dict.fromkeys(call.name for turn in request.messages for call in turn.tool_calls)
    for name in names:
        yield {"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}}
