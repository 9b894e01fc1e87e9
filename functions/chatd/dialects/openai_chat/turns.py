"""Write the turns of a request in OpenAI's chat dialect."""

from __future__ import annotations

from typing import Any

from chatd.canonical.content import (
    Block,
    Document,
    Image,
    Opaque,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.extra import fields_for, nested_for
from chatd.canonical.request import Message
from chatd.errors import InvalidRequestError

DIALECT = "openai_chat"
_BESIDE_CONTENT = (ToolCall, Thinking, Refusal)


def written(message: Message) -> list[dict[str, Any]]:
    """Write a turn as messages: one for each tool result, and one for the rest.

    Raises:
        InvalidRequestError: If the turn holds a block that only another dialect knows.

    """
    results = [block for block in message.blocks if isinstance(block, ToolResult)]
    if not results:
        return [_turn(message, message.blocks)]
    turns = [_result(result, message) for result in results]
    # A tool's message holds text alone, so that its pictures follow in a user's message.
    rest = [block for block in message.blocks if not isinstance(block, ToolResult)]
    pictures = [block for result in results for block in result.blocks if _is_file(block)]
    if pictures or rest:
        turns.append(_turn(Message("user"), (*pictures, *rest)))
    return turns


def _is_file(block: Block) -> bool:
    return isinstance(block, Image | Document)


def _result(result: ToolResult, message: Message) -> dict[str, Any]:
    texts = tuple(block for block in result.blocks if not _is_file(block))
    turn = {
        **fields_for(DIALECT, message.extra),
        "role": "tool",
        "tool_call_id": result.call_id,
        "content": _content(texts) if texts else "",
    }
    if message.name is not None:
        turn["name"] = message.name
    return turn


def _turn(message: Message, blocks: tuple[Block, ...]) -> dict[str, Any]:
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    refusal = "".join(block.text for block in blocks if isinstance(block, Refusal))
    content = tuple(block for block in blocks if not isinstance(block, _BESIDE_CONTENT))
    turn: dict[str, Any] = {**fields_for(DIALECT, message.extra), "role": message.role}
    if content:
        turn["content"] = _content(content)
    else:
        turn["content"] = None if message.role == "assistant" else []
    if message.name is not None:
        turn["name"] = message.name
    if thinking := message.thinking:
        turn["reasoning_content"] = thinking
    if refusal:
        turn["refusal"] = refusal
    if calls:
        turn["tool_calls"] = [_call(call) for call in calls]
    return turn


def _content(blocks: tuple[Block, ...]) -> str | list[dict[str, Any]]:
    first, *others = blocks
    if isinstance(first, Text) and not fields_for(DIALECT, first.extra) and not others:
        return first.text
    return [_part(block) for block in blocks]


def _part(block: Block) -> dict[str, Any]:
    fields = fields_for(DIALECT, block.extra)
    if isinstance(block, Text):
        return {**fields, "type": "text", "text": block.text}
    if isinstance(block, Image):
        image = {**nested_for(DIALECT, block.extra, "image_url"), "url": block.url}
        return {**fields, "type": "image_url", "image_url": image}
    if isinstance(block, Document) and block.url is not None:
        file = {**nested_for(DIALECT, block.extra, "file"), "file_data": block.url}
        if block.title is not None:
            file["filename"] = block.title
        return {**fields, "type": "file", "file": file}
    if isinstance(block, Document):
        return {**fields, "type": "text", "text": block.text or ""}
    if isinstance(block, Opaque) and block.extra.dialect == DIALECT:
        return {**fields, "type": block.kind}
    kind = block.kind if isinstance(block, Opaque) else type(block).__name__
    raise InvalidRequestError(
        f"OpenAI's chat dialect has no content of type {kind[:50]!r}", param="messages"
    )


def _call(call: ToolCall) -> dict[str, Any]:
    fields = {**fields_for(DIALECT, call.extra), "id": call.id, "type": call.kind}
    if call.kind == "function":
        nested = nested_for(DIALECT, call.extra, "function")
        fields["function"] = {**nested, "name": call.name, "arguments": call.arguments}
    elif call.kind == "custom" and "custom" not in fields:
        nested = nested_for(DIALECT, call.extra, "custom")
        fields["custom"] = {**nested, "name": call.name, "input": call.arguments}
    return fields
