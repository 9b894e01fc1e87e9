"""Correct a body for the row and the model, whatever dialect the request came in.

The body's lists and objects may be the caller's own JSON, so they are copied before a change.
"""

from __future__ import annotations

import re
from typing import Any

from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.claude_models import ClaudeModel, claude_model

Json = dict[str, Any]
SAMPLING = ("temperature", "top_p", "top_k")


def correct(body: Json, row: Provider) -> tuple[str, ...]:
    """Leave out what the row's provider or the model refuses.

    Args:
        body: The body of a request; its own fields are changed in place.
        row: The provider's row.

    Returns:
        The names of the fields left out.

    """
    claude = claude_model(body["model"], row)
    lost = [name for name in _drops(body, claude, row) if body.pop(name, None) is not None]
    if claude is not None:
        lost += _without_hints(body, claude)
        lost += _without_unsigned_thinking(body)
    return tuple(lost)


def _drops(body: Json, claude: ClaudeModel | None, row: Provider) -> tuple[str, ...]:
    """Return the fields to leave out: those of the row, and those of its table or the model."""
    model = body["model"]
    for pattern, names in row.model_drops:
        if re.match(pattern, model, re.IGNORECASE):
            return (*row.drops, *names)
    if not any(body.get(name) is not None for name in SAMPLING):
        return row.drops
    refuses = row.refuses_sampling(model) if claude is None else not claude.takes_sampling
    return (*row.drops, *SAMPLING) if refuses else row.drops


def _without_hints(body: Json, claude: ClaudeModel) -> list[str]:
    """Leave out adaptive thinking and effort for a model that has neither."""
    lost: list[str] = []
    thinking, config = body.get("thinking"), body.get("output_config")
    adaptive = isinstance(thinking, dict) and thinking.get("type") == "adaptive"
    if adaptive and not claude.thinks_adaptively:
        del body["thinking"]
        lost.append("thinking")
    if isinstance(config, dict) and config.get("effort") and not claude.takes_effort:
        rest = {name: value for name, value in config.items() if name != "effort"}
        lost.append("output_config.effort")
        if rest:
            body["output_config"] = rest
        else:
            del body["output_config"]
    return lost


def _without_unsigned_thinking(body: Json) -> list[str]:
    """Leave out thinking without a signature, another vendor's, which Claude refuses."""
    turns = body.get("messages")
    if not isinstance(turns, list) or not any(map(_has_unsigned, turns)):
        return []
    kept = []
    for turn in turns:
        if not _has_unsigned(turn):
            kept.append(turn)
        elif content := [block for block in turn["content"] if not _is_unsigned(block)]:
            kept.append({**turn, "content": content})
    body["messages"] = kept
    return ["messages.content.thinking"]


def _has_unsigned(turn: Json) -> bool:
    content = turn["content"]
    return isinstance(content, list) and any(map(_is_unsigned, content))


def _is_unsigned(block: Json) -> bool:
    return block.get("type") == "thinking" and not block.get("signature")
