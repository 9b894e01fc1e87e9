"""Correct a request for Claude on Amazon Bedrock.

Bedrock takes fewer betas, tools and fields than Anthropic. The facts are of October 2026:
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html,
https://github.com/BerriAI/litellm/blob/main/litellm/anthropic_beta_headers_config.json and
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock/messages
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.config.provider import Provider

Json = dict[str, Any]
# The betas that Bedrock takes, by Anthropic's names, with Bedrock's names.
BETAS: Mapping[str, str] = MappingProxyType(
    {
        "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
        **{
            name: name
            for name in (
                "compact-2026-01-12",
                "compact-2026-09-04",
                "computer-use-2025-01-24",
                "computer-use-2025-11-24",
                "context-1m-2025-08-07",
                "context-management-2025-06-27",
                "dangerous-tool-use-2026-09-03",
                "effort-2025-11-24",
                "fine-grained-tool-streaming-2025-05-14",
                "mid-conversation-output-config-2026-07-01",
                "mid-conversation-tool-changes-2026-07-01",
                "thinking-binding-controls-2026-08-01",
                "thinking-display-updates-2026-08-18",
                "tool-search-tool-2025-10-19",
            )
        },
    }
)
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
# The highest effort of models that take fewer than Anthropic's API.
_HIGHEST_EFFORT = (
    (re.compile(r"claude-opus-4-5"), "high"),
    (re.compile(r"claude-(opus-4-[78]|fable|sonnet-5|haiku-5-5|mythos)"), "xhigh"),
)
# Tools that Anthropic's servers run, which Bedrock's do not.
_HOSTED = re.compile(r"(web_search|web_fetch|code_execution|advisor)_\d{8}|mcp_toolset")
_CLEAR_THINKING = "clear_thinking_20251015"
_CACHE_FIELDS = frozenset({"type", "ttl"})
# Lists within lists that have marks: a turn's blocks, and a tool result's blocks among them.
_DEPTH = 2


def taken_betas(betas: str) -> tuple[str, tuple[str, ...]]:
    """Return the betas that Bedrock takes, with commas between them, and the names of the others.

    Args:
        betas: The value of `anthropic-beta`.

    """
    given = [name for part in betas.split(",") if (name := part.strip())]
    taken = dict.fromkeys(BETAS[name] for name in given if name in BETAS)
    lost = tuple(f"anthropic-beta.{name}" for name in given if name not in BETAS)
    return ",".join(taken), lost


def correct(body: Json, model: str, row: Provider) -> tuple[str, ...]:
    """Leave out the tools, fields and parts of cache marks that Bedrock refuses.

    Args:
        body: The body of a request. Its own fields are changed in place; their values may be the
            caller's own JSON, and are copied before a change.
        model: The provider's name for the model.
        row: The provider's row.

    Returns:
        The names of the fields left out that may change the answer.

    """
    lost = correct_fields(body, model, row)
    for name in ("system", "tools", "messages"):
        if isinstance(body.get(name), list) and _has_other_mark(body[name], _DEPTH):
            body[name] = _with_plain_marks(body[name])
    if isinstance(body.get("cache_control"), dict):
        body["cache_control"] = _plain_mark(body["cache_control"])
    return lost


def correct_fields(body: Json, model: str, row: Provider) -> tuple[str, ...]:
    """Correct tools and fields, but no cache marks; return the same names as `correct`."""
    return (*_tools(body), *_output_config(body, model, row), *_context_management(body))


def _tools(body: Json) -> list[str]:
    """Leave out hosted tools and a choice of one; take `custom` out of the others."""
    tools = body.get("tools")
    if not isinstance(tools, list):
        return []
    lost = [f"tools.{tool['type']}" for tool in tools if _is_hosted(tool)]
    kept = [_plain_tool(tool) for tool in tools if not _is_hosted(tool)]
    if any(new is not old for new, old in zip(kept, tools, strict=False)) or lost:
        body["tools"] = kept
    if lost and (not kept or _names_lost_tool(body.get("tool_choice"), kept)):
        if body.pop("tool_choice", None) is not None:
            lost.append("tool_choice")
        if not kept:
            del body["tools"]
    return lost


def _is_hosted(tool: Json) -> bool:
    kind = tool.get("type")
    return isinstance(kind, str) and _HOSTED.fullmatch(kind) is not None


def _names_lost_tool(choice: Any, kept: list[Json]) -> bool:
    if not isinstance(choice, dict) or choice.get("type") != "tool":
        return False
    return choice.get("name") not in {tool.get("name") for tool in kept}


def _plain_tool(tool: Json) -> Json:
    """Return a tool without the fields that Bedrock refuses; the same tool without such a field.

    Claude Code writes `custom: {"defer_loading": true}`, which Bedrock takes without `custom`:
    https://github.com/BerriAI/litellm/issues/22847
    """
    schema = tool.get("input_schema")
    is_custom = isinstance(schema, dict) and schema.get("type") == "custom"
    if "custom" not in tool and "eager_input_streaming" not in tool and not is_custom:
        return tool
    rest = {name: tool[name] for name in tool if name not in ("custom", "eager_input_streaming")}
    custom = tool.get("custom")
    if isinstance(custom, dict) and isinstance(custom.get("defer_loading"), bool):
        rest.setdefault("defer_loading", custom["defer_loading"])
    if isinstance(schema, dict) and is_custom:
        rest["input_schema"] = {**schema, "type": "object"}
    return rest


def _output_config(body: Json, model: str, row: Provider) -> list[str]:
    """Lower the effort to the model's highest; leave out a format that the model refuses.

    The gateway itself describes and checks such a format.
    """
    config = body.get("output_config")
    if not isinstance(config, dict):
        return []
    changed, lost = dict(config), []
    highest = next((effort for names, effort in _HIGHEST_EFFORT if names.search(model)), None)
    effort = config.get("effort")
    if highest and effort in _EFFORTS and _EFFORTS.index(effort) > _EFFORTS.index(highest):
        changed["effort"] = highest
        lost.append("output_config.effort")
    if not row.enforces_format(model):
        changed.pop("format", None)
    if changed:
        body["output_config"] = changed
    else:
        del body["output_config"]
    return lost


def _context_management(body: Json) -> list[str]:
    """Leave out the edit that clears thinking where thinking is off, which Bedrock refuses."""
    management, thinking = body.get("context_management"), body.get("thinking")
    edits = management.get("edits") if isinstance(management, dict) else None
    thinks = isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive")
    if thinks or not isinstance(edits, list) or not isinstance(management, dict):
        return []
    kept = [edit for edit in edits if not _clears_thinking(edit)]
    if len(kept) == len(edits):
        return []
    rest = {**management, "edits": kept}
    if kept or len(rest) > 1:
        body["context_management"] = rest
    else:
        del body["context_management"]
    return [f"context_management.{_CLEAR_THINKING}"]


def _clears_thinking(edit: Any) -> bool:
    return isinstance(edit, dict) and edit.get("type") == _CLEAR_THINKING


def _has_other_mark(items: list[Any], depth: int) -> bool:
    """Return whether a cache mark has other fields than Bedrock takes; most requests have none."""
    for item in items:
        if not isinstance(item, dict):
            continue
        mark, content = item.get("cache_control"), item.get("content")
        if isinstance(mark, dict) and not mark.keys() <= _CACHE_FIELDS:
            return True
        if depth and isinstance(content, list) and _has_other_mark(content, depth - 1):
            return True
    return False


def _with_plain_marks(items: list[Any], depth: int = _DEPTH) -> list[Any]:
    """Return turns, blocks or tools whose cache marks have the fields that Bedrock takes."""
    changed = [_with_plain_mark(item, depth) for item in items]
    return (
        changed if any(new is not old for new, old in zip(changed, items, strict=True)) else items
    )


def _with_plain_mark(item: Any, depth: int) -> Any:
    if not isinstance(item, dict):
        return item
    mark, content = item.get("cache_control"), item.get("content")
    if isinstance(mark, dict) and not mark.keys() <= _CACHE_FIELDS:
        item = {**item, "cache_control": _plain_mark(mark)}
    if depth and isinstance(content, list):
        marked = _with_plain_marks(content, depth - 1)
        item = item if marked is content else {**item, "content": marked}
    return item


def _plain_mark(mark: Json) -> Json:
    return {name: mark[name] for name in mark if name in _CACHE_FIELDS}
