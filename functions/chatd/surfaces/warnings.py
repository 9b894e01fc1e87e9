"""Warn the caller of an empty answer that spent its tokens on thinking."""

from __future__ import annotations

from chatd.canonical.response import Choice

SPENT_THINKING = (
    "the model spent its whole budget of tokens before the first word of an answer:"
    " allow more tokens, or less thinking"
)


def warning_of(choice: Choice) -> str | None:
    """Return the warning for a choice that reached its token limit without text; else None."""
    empty = not choice.content and not choice.tool_calls
    return SPENT_THINKING if empty and choice.finish_reason == "length" else None
