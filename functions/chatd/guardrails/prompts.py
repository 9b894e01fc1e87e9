"""Find the texts of a request that a guardrail checks, and put masked texts in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from chatd.canonical.content import Block, Document, Opaque, Text, ToolResult
from chatd.canonical.request import ChatRequest, Message

# Blocks of Anthropic's with texts in `content`, and for a document in `source.content`:
# https://docs.anthropic.com/en/docs/build-with-claude/search-results
# https://docs.anthropic.com/en/docs/build-with-claude/citations (custom content)
_WITH_CONTENT = frozenset({"document", "search_result"})


def texts_of(request: ChatRequest, *, whole: bool) -> tuple[str, ...]:
    """Return the texts to check: each one once, without blank ones.

    Args:
        request: The caller's request.
        whole: Whether the whole conversation is checked; otherwise only the user's texts and the
            results of tools after the model's last turn. Earlier turns were checked when they were
            new. The suffix of a completion is always new.

    """
    turns = request.messages if whole else _new(request.messages)
    found = chain((text for turn in turns for text in _texts(turn.blocks)), _suffix(request))
    return tuple(dict.fromkeys(text for text in found if text.strip()))


def masked(request: ChatRequest, texts: Mapping[str, str]) -> ChatRequest:
    """Replace texts of a request in every turn; return the same request if no text changes.

    Args:
        request: The request.
        texts: The masked texts by the caller's texts.

    """
    turns = tuple(_masked_turn(turn, texts) for turn in request.messages)
    if any(new is not old for new, old in zip(turns, request.messages, strict=True)):
        request = replace(request, messages=turns)
    completion = request.completion
    if completion is not None and completion.suffix is not None and completion.suffix in texts:
        completion = replace(completion, suffix=texts[completion.suffix])
        request = replace(request, completion=completion)
    return request


def fixed_texts(request: ChatRequest) -> Iterator[str]:
    """Yield the checked texts that cannot be masked: texts in Anthropic's own blocks."""
    return _fixed(block for turn in request.messages for block in turn.blocks)


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
        elif isinstance(block, Opaque):
            yield from _fixed((block,))


def _fixed(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, ToolResult):
            yield from _fixed(block.blocks)
        elif isinstance(block, Opaque) and block.kind in _WITH_CONTENT:
            yield from _content(block.extra.fields)
            yield from _content(block.extra.fields.get("source"))


def _content(given: Any) -> Iterator[str]:
    """Yield the texts of an object's `content`: a string, or a list of blocks of text."""
    content = given.get("content") if isinstance(given, Mapping) else None
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        yield from (text for text in parts if isinstance(text, str))


def _suffix(request: ChatRequest) -> tuple[str, ...]:
    completion = request.completion
    return () if completion is None or completion.suffix is None else (completion.suffix,)


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
