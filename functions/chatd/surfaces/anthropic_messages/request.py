"""Read a request of Anthropic's Messages surface into the canonical form.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from chatd.canonical.content import Opaque
from chatd.canonical.extra import NOTHING, Extra, Json, extra_of, unnamed
from chatd.canonical.request import (
    ChatRequest,
    Message,
    NamedTool,
    OpaqueTool,
    Sampling,
    Source,
    Think,
    Tool,
    ToolChoice,
)
from chatd.surfaces.anthropic_messages.schema import (
    AnthropicOutputConfig,
    AnthropicRequest,
    AnthropicThinkingConfig,
    AnthropicTool,
    AnthropicToolChoice,
)
from chatd.surfaces.anthropic_messages.turns import DIALECT, blocks_of, message_of, missing
from chatd.surfaces.validation import refuse_infinite_in


def _names_of(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


_OF_REQUEST = _names_of(AnthropicRequest)
_OF_TOOL = _names_of(AnthropicTool)
_OF_TOOL_CHOICE = _names_of(AnthropicToolChoice)
_OF_THINKING = _names_of(AnthropicThinkingConfig)
_OF_OUTPUT_CONFIG = _names_of(AnthropicOutputConfig)
_OF_FORMAT = frozenset({"type", "schema"})
_EFFORTS = frozenset({"low", "medium", "high", "xhigh", "max"})
_CHOICES: Mapping[str, str] = MappingProxyType({"auto": "auto", "any": "required", "none": "none"})
# Headers that change what a provider of this dialect does. The version is the dialect's own: its
# fields differ by version, and the gateway writes one.
_HEADERS = ("anthropic-beta",)


def request_of(headers: Mapping[str, str], body: dict[str, Any]) -> ChatRequest:
    """Read a request; a system prompt becomes the first message.

    Args:
        headers: The HTTP headers by lower-case name.
        body: The caller's JSON, which fits AnthropicRequest. It becomes the request's source, and
            signatures in it lose the tag of their maker.

    Raises:
        InvalidRequestError: If a tool, a choice or a source lacks a field that its type needs, or a
            tool call or schema holds a number that is not finite.

    """
    thinking, config = body.get("thinking") or NOTHING, body.get("output_config") or NOTHING
    effort = config.get("effort")
    read: dict[str, Any] = {
        "messages": _messages(body),
        "sampling": _sampling(body),
        "max_tokens": body["max_tokens"],
        **_format(body, config),
        "think": _think(thinking),
        "effort": effort if effort in _EFFORTS else None,
        "think_budget": _budget(thinking),
        "tools": tuple([_tool(tool, n) for n, tool in enumerate(body.get("tools") or ())]),
        **_tool_choice(body.get("tool_choice") if body.get("tools") else None),
        "extra": _extra(body, thinking, config),
    }
    forwarded = {name: headers[name] for name in _HEADERS if headers.get(name)}
    return ChatRequest(
        model=body["model"],
        stream=bool(body.get("stream")),
        stream_usage=True,
        source=Source(DIALECT, body, read, forwarded),
        **read,
    )


def _extra(body: Json, thinking: Json, config: Json) -> Extra | None:
    """Gather the fields of the request itself that the canonical form does not have."""
    choice = body.get("tool_choice") or NOTHING
    of_choice, of_config = _OF_TOOL_CHOICE, _OF_OUTPUT_CONFIG
    if not body.get("tools"):
        of_choice = of_choice - {"name"}
    elif choice.get("type") not in _CHOICES:
        choice = NOTHING  # kept with the choice itself
    if config.get("effort") not in _EFFORTS:
        of_config = of_config - {"effort"}
    return extra_of(
        DIALECT,
        body,
        _OF_REQUEST,
        thinking=unnamed(thinking, _OF_THINKING),
        output_config=unnamed(config, of_config),
        tool_choice=unnamed(choice, of_choice),
    )


def _messages(body: Json) -> tuple[Message, ...]:
    turns = [message_of(turn, f"messages.{n}") for n, turn in enumerate(body["messages"])]
    if system := body.get("system"):
        turns.insert(0, Message("system", blocks_of(system, "system")))
    return tuple(turns)


def _sampling(body: Json) -> Sampling:
    stop = body.get("stop_sequences")
    return Sampling(
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=None if stop is None else tuple(stop),
        top_k=body.get("top_k"),
    )


def _think(thinking: Json) -> Think | None:
    """Read whether to think; an unknown kind leaves the choice to the model."""
    kind = thinking.get("type")
    if kind is None:
        return None
    return {"enabled": True, "disabled": False}.get(kind, "adaptive")


def _budget(thinking: Json) -> int | None:
    """Read the budget in tokens; opencode sends -1 for none."""
    budget = thinking.get("budget_tokens") or 0
    return budget if budget > 0 else None


def _format(body: Json, config: Json) -> dict[str, Any]:
    """Read the format of the answer from `output_config.format` or `output_format`.

    Raises:
        InvalidRequestError: If the schema is missing, or holds a number that is not finite.

    """
    wanted, place = config.get("format"), "output_config.format"
    if wanted is None:
        wanted, place = body.get("output_format"), "output_format"
    if wanted is None:
        return {"format": None}
    if wanted["type"] != "json_schema":
        return {"format": None, "format_extra": Extra(DIALECT, wanted)}
    schema = wanted.get("schema")
    if schema is None:
        raise missing(f"{place}.schema")
    refuse_infinite_in(schema, f"{place}.schema")
    # The API guarantees that the answer fits the schema:
    # https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    extra = extra_of(DIALECT, wanted, _OF_FORMAT)
    return {"format": schema, "strict": True, "format_extra": extra}


def _tool(tool: Json, position: int) -> Tool | OpaqueTool:
    kind = tool.get("type")
    if kind not in (None, "custom"):
        return OpaqueTool(kind, Extra(DIALECT, unnamed(tool, {"type"})))
    for name in ("name", "input_schema"):
        if tool.get(name) is None:
            raise missing(f"tools.{position}.{name}")
    return Tool(
        tool["name"],
        tool.get("description"),
        tool["input_schema"],
        tool.get("strict"),
        extra_of(DIALECT, tool, _OF_TOOL),
    )


def _tool_choice(choice: Json | None) -> dict[str, Any]:
    """Read which tool must be called, and whether several calls at once are allowed."""
    if choice is None:
        return {"tool_choice": None, "parallel_tool_calls": None}
    single = choice.get("disable_parallel_tool_use")
    return {
        "tool_choice": _chosen(choice),
        "parallel_tool_calls": None if single is None else not single,
    }


def _chosen(choice: Json) -> ToolChoice:
    kind = choice["type"]
    if kind in _CHOICES:
        return _CHOICES[kind]
    if kind != "tool":
        return Opaque(kind, Extra(DIALECT, unnamed(choice, {"type", "disable_parallel_tool_use"})))
    if not choice.get("name"):
        raise missing("tool_choice.name")
    return NamedTool(choice["name"], extra_of(DIALECT, choice, _OF_TOOL_CHOICE))
