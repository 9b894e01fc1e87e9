"""Write the fields besides the conversation from the canonical form, and name those that are lost.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
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
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.cache_marks import own_fields
from chatd.dialects.anthropic_messages.claude_models import claude_model
from chatd.dialects.anthropic_messages.output_schema import OutputSchema
from chatd.dialects.anthropic_messages.reading import DIALECT

Json = dict[str, Any]
_LEAST_BUDGET = 1_024
# Tokens of thinking where the caller demands thinking of a model that needs a budget.
_DEFAULT_BUDGET = 4_096
_LEAST_TOP_P = 0.95
_EFFORTS: Mapping[str, str] = MappingProxyType({"minimal": "low", "ultra": "max"})
_XHIGH = (4, 7)
_CHOICES: Mapping[str, str] = MappingProxyType({"auto": "auto", "none": "none", "required": "any"})
_FORCED = ("any", "tool")


class Options:
    """The fields of a request besides its conversation.

    Args:
        request: The request; `model` is the provider's name for it.
        row: The provider's row.

    Attributes:
        fields: The fields.
        lost: The caller's names of the fields that may change the answer and are left out.

    """

    def __init__(self, request: ChatRequest, row: Provider) -> None:
        self._request = request
        self._claude = claude_model(request.model, row)
        self.lost: list[str] = []
        self.fields: Json = {"max_tokens": self._max_tokens(row)}
        self._write_tools()
        self._write_thinking()
        self._write_output_config()
        self._write_sampling()
        self._note_unwritten()

    def _max_tokens(self, row: Provider) -> int:
        given = (self._request.max_completion_tokens, self._request.max_tokens)
        limits = [limit for limit in given if limit is not None]
        if limits:
            return limits[0]
        most = row.max_output(self._request.model)
        if most is None and self._claude is not None:
            most = self._claude.most_tokens
        return min(row.default_max_tokens, most) if most else row.default_max_tokens

    def _write_tools(self) -> None:
        request = self._request
        tools = [found for tool in request.tools if (found := self._tool(tool)) is not None]
        if not tools:
            return
        self.fields["tools"] = tools
        choice = self._tool_choice()
        if request.parallel_tool_calls is False:
            choice = choice or {"type": "auto"}
            if choice["type"] != "none":
                choice["disable_parallel_tool_use"] = True
        if choice is not None:
            self.fields["tool_choice"] = choice

    def _tool(self, tool: AnyTool) -> Json | None:
        """Write a tool; None for one that only another dialect knows."""
        fields = own_fields(tool.extra)
        if isinstance(tool, OpaqueTool):
            return {"type": tool.kind, **fields} if tool.extra.dialect == DIALECT else None
        if isinstance(tool, CustomTool):  # routing makes functions of them
            return None
        written: Json = {**fields, "name": tool.name}
        if tool.description is not None:
            written["description"] = tool.description
        written["input_schema"] = {"type": "object", **(tool.parameters or {"properties": {}})}
        if tool.strict:
            self._write_strict(tool, written)
        return written

    def _write_strict(self, tool: Tool, written: Json) -> None:
        """Write `strict` for a schema that Anthropic can enforce; otherwise name it."""
        schema = OutputSchema()
        fitted = schema.written(tool.parameters or {})
        if schema.lost or fitted != tool.parameters:
            self.lost.append("tools.strict")
        else:
            written["strict"] = True

    def _tool_choice(self) -> Json | None:
        choice = self._request.tool_choice
        if choice is None:
            return None
        if isinstance(choice, str):
            return {"type": _CHOICES.get(choice, choice)}
        fields = fields_for(DIALECT, choice.extra)
        if isinstance(choice, NamedTool):
            return {**fields, "type": "tool", "name": choice.name}
        return {"type": choice.kind, **fields} if choice.extra.dialect == DIALECT else None

    def _write_thinking(self) -> None:
        """Write whether to think; a tool that must be called excludes thinking.

        https://platform.claude.com/docs/en/build-with-claude/extended-thinking
        """
        request = self._request
        if request.think is None:
            return
        nested = nested_for(DIALECT, request.extra, "thinking")
        if request.think is False or request.think == "none":
            self.fields["thinking"] = {**nested, "type": "disabled"}
            return
        thinking = self._thinking()
        forced = self.fields.get("tool_choice", {}).get("type") in _FORCED
        if thinking is None or forced:
            self.lost.append("reasoning_effort")
        else:
            self.fields["thinking"] = {**nested, **thinking}

    def _thinking(self) -> Json | None:
        """Choose adaptive thinking, or a budget; None where the model has room for neither."""
        request, claude = self._request, self._claude
        budget = request.think_budget
        if budget is None and claude is not None and not claude.thinks_adaptively:
            if not request.think_required and request.think is not True:
                return None
            budget = _DEFAULT_BUDGET
        if budget is None or (claude is not None and not claude.takes_sampling):
            return {"type": "adaptive"}
        most = self.fields["max_tokens"] - 1
        if most < _LEAST_BUDGET:
            return None
        return {"type": "enabled", "budget_tokens": min(max(budget, _LEAST_BUDGET), most)}

    def _write_output_config(self) -> None:
        request = self._request
        config: Json = dict(nested_for(DIALECT, request.extra, "output_config"))
        if effort := self._effort():
            config["effort"] = effort
        if isinstance(request.format, Mapping):
            schema = OutputSchema()
            written = schema.written(request.format)
            if request.schema_description is not None:
                written.setdefault("description", request.schema_description)
            config["format"] = {
                **fields_for(DIALECT, request.format_extra),
                "type": "json_schema",
                "schema": written,
            }
            self.lost += [f"response_format.{name}" for name in schema.lost]
        if config:
            self.fields["output_config"] = config

    def _effort(self) -> str | None:
        """Return the effort, or the level of thinking; an older model takes neither."""
        request = self._request
        effort = request.effort
        if effort is None and isinstance(request.think, str):
            effort = None if request.think in ("adaptive", "none") else request.think
        if effort is None:
            return None
        if self._claude is not None and not self._claude.takes_effort:
            self.lost.append("reasoning_effort")
            return None
        if effort == "xhigh" and self._claude is not None and self._claude.version < _XHIGH:
            return "max"
        return _EFFORTS.get(effort, effort)

    def _write_sampling(self) -> None:
        """Write how tokens are chosen; thinking excludes most of it."""
        sampling = self._request.sampling
        thinks = self.fields.get("thinking", {}).get("type") in ("adaptive", "enabled")
        excluded = {
            "temperature": thinks and sampling.temperature not in (None, 1),
            "top_p": thinks and sampling.top_p is not None and sampling.top_p < _LEAST_TOP_P,
            "top_k": thinks and sampling.top_k is not None,
        }
        for name, is_excluded in excluded.items():
            value = getattr(sampling, name)
            if is_excluded:
                self.lost.append(name)
            elif value is not None:
                self.fields[name] = value
        if sampling.stop is not None:
            # Anthropic answers "each stop sequence must contain non-whitespace".
            stops = [stop for stop in sampling.stop if stop.strip()]
            if len(stops) < len(sampling.stop):
                self.lost.append("stop")
            if stops:
                self.fields["stop_sequences"] = stops

    def _note_unwritten(self) -> None:
        """Name the fields without an equal that can change the wording of the answer."""
        request, sampling = self._request, self._request.sampling
        unwritten = {
            "seed": sampling.seed is not None,
            "presence_penalty": bool(sampling.presence_penalty),
            "frequency_penalty": bool(sampling.frequency_penalty),
            "messages.name": any(turn.name for turn in request.messages if turn.role != "tool"),
        }
        self.lost += [name for name, is_lost in unwritten.items() if is_lost]
