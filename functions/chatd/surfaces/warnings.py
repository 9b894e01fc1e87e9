"""What a caller should be told of an answer that is right and still not what was hoped for."""

from __future__ import annotations

from chatd.canonical.response import Choice

SPENT_THINKING = (
    "the model spent its whole budget of tokens before the first word of an answer:"
    " allow more tokens, or less thinking"
)


def warning_of(choice: Choice) -> str | None:
    """A sentence for an answer that ended at its limit without a word; None for any other."""
    empty = not choice.content and not choice.tool_calls
    return SPENT_THINKING if empty and choice.finish_reason == "length" else None
