"""Carry prompt-cache marks into Anthropic's dialect from OpenAI's chat API.

Agents mark texts, images, tools and turns of a chat for Claude as OpenRouter and LiteLLM document
it: https://openrouter.ai/docs/features/prompt-caching
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.extra import Extra, Json, fields_for

DIALECT = "anthropic_messages"
NAME = "cache_control"
# The tag of the further fields of OpenAI's chat surface.
_CHAT = "openai_chat"
_LIFETIMES = ("5m", "1h")
# The places of marks that are carried, as they are named where a mark is lost.
CARRIED = frozenset({f"messages.{NAME}", f"messages.content.{NAME}", f"tools.{NAME}"})


def own_fields(extra: Extra | None) -> Json:
    """Return the fields of this dialect, or the cache mark of a block or tool of a chat."""
    if extra is None or extra.dialect == DIALECT:
        return fields_for(DIALECT, extra)
    found = mark(extra)
    return {} if found is None else {NAME: found}


def mark(extra: Extra | None) -> dict[str, Any] | None:
    """Return the cache mark of a chat in the one form that Anthropic takes; None without one."""
    given = fields_for(_CHAT, extra).get(NAME)
    if not isinstance(given, dict) or given.get("type") != "ephemeral":
        return None
    lifetime = given.get("ttl")
    return {"type": "ephemeral", **({"ttl": lifetime} if lifetime in _LIFETIMES else {})}
