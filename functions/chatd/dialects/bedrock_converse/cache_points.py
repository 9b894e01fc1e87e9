"""Write Bedrock's cache points from the marks of Anthropic's dialect.

https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.content import Block, ToolResult
from chatd.canonical.extra import Extra, fields_for
from chatd.dialects.bedrock_converse.model_facts import ConverseModel

_NAME = "cache_control"
# The tags of the surfaces whose callers mark blocks and tools.
_MARKING = ("anthropic_messages", "openai_chat")
_OF_MESSAGES = frozenset({f"messages.{_NAME}", f"messages.content.{_NAME}"})
_OF_TOOLS = frozenset({f"tools.{_NAME}"})


def cache_point(extra: Extra | None, model: ConverseModel) -> dict[str, Any] | None:
    """Return the cache point for a mark in further fields; None without a mark.

    Args:
        extra: The further fields of a block, a turn or a tool.
        model: The abilities of the model; without prompt caching there is no cache point.

    """
    if extra is None or not model.caches:
        return None
    given = next(
        (found for name in _MARKING if (found := fields_for(name, extra).get(_NAME))), None
    )
    if not isinstance(given, dict) or given.get("type") != "ephemeral":
        return None
    point = {"type": "default"}
    if given.get("ttl") == "1h" and model.caches_1_hour:
        point["ttl"] = "1h"
    return {"cachePoint": point}


def point_after(block: Block, model: ConverseModel) -> dict[str, Any] | None:
    """Return the cache point after a block; a mark within a tool result counts too."""
    point = cache_point(block.extra, model)
    if point is None and isinstance(block, ToolResult):
        inner = (cache_point(one.extra, model) for one in block.blocks)
        point = next((found for found in inner if found is not None), None)
    return point


def carried(model: ConverseModel) -> frozenset[str]:
    """Return the names of the marks that the model gets as cache points."""
    if not model.caches:
        return frozenset()
    return _OF_MESSAGES | _OF_TOOLS if model.caches_tools else _OF_MESSAGES
