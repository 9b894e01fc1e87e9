"""Take signatures and encrypted reasoning of other makers out of a conversation.

A provider refuses a token that another provider or model made (docs/decisions/0037-maker-tags.md).
Readable reasoning stays.
"""

from __future__ import annotations

from dataclasses import replace

from chatd.canonical.content import Block, Thinking
from chatd.canonical.request import Message

LOST = "messages.content.thinking"
"""The name of the dropped field where a whole block is taken out."""


def accepted(
    messages: tuple[Message, ...], maker: str, *, fallback: bool
) -> tuple[tuple[Message, ...], bool]:
    """Keep the tokens that a target accepts.

    Args:
        messages: The conversation.
        maker: The target, as `<provider>/<model>`.
        fallback: Whether the target is a fallback, which gets no token of an unknown maker either.

    Returns:
        The conversation: the same tuple if nothing changes, and otherwise with the same messages
        where those do not change; and whether a whole block was taken out.

    """
    changed: dict[int, tuple[Block, ...]] = {}
    for number, message in enumerate(messages):
        for block in message.blocks:
            if type(block) is Thinking and _is_foreign(block, maker, fallback=fallback):
                changed[number] = _without_tokens(message.blocks, maker, fallback=fallback)
                break
    if not changed:
        return messages, False
    lost = any(len(blocks) < len(messages[number].blocks) for number, blocks in changed.items())
    kept = [
        replace(message, blocks=changed[number]) if number in changed else message
        for number, message in enumerate(messages)
        if changed.get(number) != ()  # a turn without content is refused
    ]
    return (tuple(kept) or (replace(messages[-1], blocks=()),)), lost


def _is_foreign(block: Thinking, maker: str, *, fallback: bool) -> bool:
    if block.signature is None and block.redacted is None:
        return False
    return fallback if block.maker is None else block.maker != maker


def _without_tokens(blocks: tuple[Block, ...], maker: str, *, fallback: bool) -> tuple[Block, ...]:
    """Remove the tokens of other makers, and blocks that have nothing else."""
    kept: list[Block] = []
    for block in blocks:
        if type(block) is not Thinking or not _is_foreign(block, maker, fallback=fallback):
            kept.append(block)
        elif block.text:
            kept.append(replace(block, signature=None, redacted=None))
    return tuple(kept)
