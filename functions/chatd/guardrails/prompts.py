"""Find the texts of a request that a guardrail checks, and put masked texts in their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from chatd.canonical.content import Block, Document, Text, ToolResult
from chatd.canonical.request import ChatRequest, Message


def texts_of(request: ChatRequest, *, whole: bool) -> tuple[str, ...]:
    """Return the texts to check: each one once, without blank ones.

    Args:
        request: The caller's request.
        whole: Whether the whole conversation is checked; else what follows the last turn of the
            model: the user's texts and the results of tools. Earlier turns were checked when they
            were new.

    """
    turns = request.messages if whole else _new(request.messages)
    found = (text for turn in turns for text in _texts(turn.blocks))
    return tuple(dict.fromkeys(text for text in found if text.strip()))


def masked(request: ChatRequest, texts: Mapping[str, str]) -> ChatRequest:
    """Return the request with other texts in the place of some, in every turn."""
    turns = tuple(_masked_turn(turn, texts) for turn in request.messages)
    return replace(request, messages=turns)


def _new(turns: Sequence[Message]) -> list[Message]:
    found: list[Message] = []
    for turn in reversed(turns):
        if turn.role == "assistant":
            if found:
                break
            continue  # a prefill of the caller's
        if turn.role not in ("system", "developer"):
            found.append(turn)
    return found[::-1]


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Text):
            yield block.text
        elif isinstance(block, Document):
            yield block.text or ""
        elif isinstance(block, ToolResult):
            yield from _texts(block.blocks)


def _masked_turn(turn: Message, texts: Mapping[str, str]) -> Message:
    if not any(text in texts for text in _texts(turn.blocks)):
        return turn
    return replace(turn, blocks=tuple(_masked_block(block, texts) for block in turn.blocks))


def _masked_block(block: Block, texts: Mapping[str, str]) -> Block:
    if isinstance(block, Text) and block.text in texts:
        return replace(block, text=texts[block.text])
    if isinstance(block, Document) and block.text is not None and block.text in texts:
        return replace(block, text=texts[block.text])
    if isinstance(block, ToolResult):
        return replace(block, blocks=tuple(_masked_block(one, texts) for one in block.blocks))
    return block
