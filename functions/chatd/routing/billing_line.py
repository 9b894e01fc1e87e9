"""Take Claude Code's billing line out of the system text for providers other than Anthropic.

The line differs from conversation to conversation, so that no prompt cache matches, and some
providers refuse it: https://code.claude.com/docs/en/llm-gateway-protocol and
https://github.com/badrisnarayanan/antigravity-claude-proxy/issues/376
"""

from __future__ import annotations

from dataclasses import replace

from chatd.canonical.content import Block, Text
from chatd.canonical.request import Message

ANTHROPIC = "anthropic_messages"
"""The dialect in which the line is forwarded."""
_LINE = "x-anthropic-billing-header:"


def without_line(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return the conversation without the line; the same tuple if the line is absent."""
    first, *others = messages
    if first.role != "system" or not any(map(_has_line, first.blocks)):
        return messages
    blocks = tuple(kept for block in first.blocks if (kept := _without(block)) is not None)
    return (replace(first, blocks=blocks), *others) if blocks or not others else tuple(others)


def _has_line(block: Block) -> bool:
    return type(block) is Text and block.text.startswith(_LINE)


def _without(block: Block) -> Block | None:
    """Remove the line from a block; return None if nothing else is in the block."""
    if not _has_line(block):
        return block
    assert isinstance(block, Text)  # noqa: S101  # what _has_line found
    rest = block.text.partition("\n")[2].lstrip("\n")
    return replace(block, text=rest) if rest else None
