"""Write the tokens of a message of Anthropic's Messages surface.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.response import UpstreamJson, Usage
from chatd.surfaces.anthropic_messages.turns import DIALECT


def own(source: UpstreamJson | None) -> UpstreamJson | None:
    """Return the source if it is in this dialect."""
    return source if source is not None and source.dialect == DIALECT else None


def usage(found: Usage) -> dict[str, Any]:
    """Write the tokens, as the provider's own JSON where nothing changed them.

    Anthropic's `input_tokens` excludes cache reads and cache writes.
    """
    source = own(found.source)
    counts = {
        "input_tokens": found.fresh_tokens,
        "cache_creation_input_tokens": found.cache_write_tokens or 0,
        "cache_read_input_tokens": found.cached_tokens or 0,
        "output_tokens": found.output_tokens,
    }
    written = counts | (_details(found) if source is None else source.body)
    if source is not None:
        written |= {name: count for name, count in counts.items() if written[name] is None}
    if found.cost_usd is not None:
        written.setdefault("cost", found.cost_usd)
    if found.estimated:
        written["estimated"] = True
    return written


def _details(found: Usage) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if found.cache_write_1h_tokens is not None:
        details["cache_creation"] = {
            "ephemeral_5m_input_tokens": max(
                0, (found.cache_write_tokens or 0) - found.cache_write_1h_tokens
            ),
            "ephemeral_1h_input_tokens": found.cache_write_1h_tokens,
        }
    if found.reasoning_tokens is not None:
        details["output_tokens_details"] = {"thinking_tokens": found.reasoning_tokens}
    return details
