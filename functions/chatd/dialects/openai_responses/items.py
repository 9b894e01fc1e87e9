"""Write the turns of a request as the input items of OpenAI's Responses dialect.

A turn becomes one item for each tool call, tool result and piece of encrypted reasoning, and a
message for the content between them.
https://developers.openai.com/api/reference/resources/responses/methods/create
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
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
from chatd.canonical.extra import Json, fields_for, nested_for
from chatd.canonical.request import Message
from chatd.dialects.openai_responses.reading import DIALECT
from chatd.errors import InvalidRequestError

_MOST_ID = 64
# A name is needed to tell the kind of a file; the caller's title is used where there is one.
_FILE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "document.pdf",
        "text/plain": "document.txt",
        "text/markdown": "document.md",
        "text/csv": "document.csv",
        "text/html": "document.html",
        "application/json": "document.json",
    }
)
_ROLES = ("system", "developer", "user", "assistant", "tool")
_PARTS = ("input_", "output_")
_PLAIN = {"type", "text"}


def written(messages: Iterable[Message], *, readable_reasoning: bool = False) -> list[Any]:
    """Write turns as input items.

    Args:
        messages: The turns, oldest first.
        readable_reasoning: Whether reasoning without encrypted content is sent too.

    Raises:
        InvalidRequestError: If a turn or block is one that only another dialect knows.

    """
    writer = _Writer(readable_reasoning=readable_reasoning)
    for message in messages:
        if message.role not in _ROLES:
            raise InvalidRequestError(
                f"OpenAI's Responses dialect has no turn of the role {message.role[:50]!r}",
                param="messages",
            )
        role = "user" if message.role == "tool" else message.role
        writer.write(role, message)
    return writer.items


def call_id(given: str) -> str:
    """Return the id, or for one of more than 64 characters an id made from it.

    A call and its result get the same id.
    """
    if given and len(given) <= _MOST_ID:
        return given
    return f"call_{hashlib.sha256(given.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"


class _Writer:
    """Writes the items of a conversation, and keeps the kind of each call for its result."""

    def __init__(self, *, readable_reasoning: bool) -> None:
        self.items: list[Any] = []
        self._readable = readable_reasoning
        self._kinds: dict[str, str] = {}

    def write(self, role: str, message: Message) -> None:
        """Write the items of one turn; a turn without content writes none."""
        content: list[Block] = []
        fields = fields_for(DIALECT, message.extra)
        for block in message.blocks:
            item = self._item(block)
            begins = nested_for(DIALECT, block.extra, "item")
            if item is not None or begins:
                self._write_content(role, content, fields)
                content.clear()
                fields = begins
            if item is None:
                content.append(block)
            elif item:
                self.items.append(item)
        self._write_content(role, content, fields)

    def _write_content(self, role: str, blocks: list[Block], fields: Json) -> None:
        """Write blocks as a message with these unnamed fields."""
        if not blocks:
            return
        content: Any = [_part(role, block) for block in blocks]
        if role != "assistant" and len(content) == 1 and content[0].keys() == _PLAIN:
            content = content[0]["text"]
        item = {**fields, "type": "message", "role": role, "content": content}
        if role == "assistant":
            item.setdefault("status", "completed")  # servers with OpenAI's own types require it
        self.items.append(item)

    def _item(self, block: Block) -> Mapping[str, Any] | None:
        """Write a block as an item: an empty one is left out; None for a part of a message."""
        if isinstance(block, Thinking):
            return _reasoning(block, readable=self._readable)
        if isinstance(block, ToolCall):
            self._kinds[block.id] = block.kind
            return _call(block)
        if isinstance(block, ToolResult):
            return self._result(block)
        if isinstance(block, Opaque) and not block.kind.startswith(_PARTS):
            return _opaque(block)
        return None

    def _result(self, result: ToolResult) -> dict[str, Any]:
        custom = self._kinds.get(result.call_id) == "custom"
        return {
            "type": "custom_tool_call_output" if custom else "function_call_output",
            **nested_for(DIALECT, result.extra, "item"),
            **fields_for(DIALECT, result.extra),
            "call_id": call_id(result.call_id),
            "output": _output(result.blocks),
        }


def _reasoning(block: Thinking, *, readable: bool) -> dict[str, Any]:
    """Write reasoning; empty where the provider would not read it.

    Args:
        block: The reasoning.
        readable: Whether the provider reads it without encrypted content.

    """
    token = block.signature or block.redacted
    if not token and not (readable and block.text):
        return {}
    summary = [{"type": "summary_text", "text": block.text}] if block.text else []
    item = {"summary": summary, **fields_for(DIALECT, block.extra), "type": "reasoning"}
    return {**item, "encrypted_content": token} if token else item


def _call(call: ToolCall) -> dict[str, Any]:
    custom = call.kind == "custom"
    item = {
        **fields_for(DIALECT, call.extra),
        "type": "custom_tool_call" if custom else "function_call",
        "call_id": call_id(call.id),
        "name": call.name,
        "input" if custom else "arguments": call.arguments,
    }
    if call.namespace is not None:
        item["namespace"] = call.namespace
    return item


def _output(blocks: tuple[Block, ...]) -> str | list[dict[str, Any]]:
    if not blocks:
        return ""
    first, *others = blocks
    if isinstance(first, Text) and not others and not fields_for(DIALECT, first.extra):
        return first.text
    return [_part("user", block) for block in blocks]


def _part(role: str, block: Block) -> dict[str, Any]:
    """Write a part of a message or of a tool's output."""
    fields = fields_for(DIALECT, block.extra)
    if isinstance(block, Text):
        if role == "assistant":
            return {"annotations": [], **fields, "type": "output_text", "text": block.text}
        return {**fields, "type": "input_text", "text": block.text}
    if isinstance(block, Refusal):
        return {**fields, "type": "refusal", "refusal": block.text}
    if isinstance(block, Image) and role != "assistant":
        detail = nested_for("openai_chat", block.extra, "image_url").get("detail") or "auto"
        return {"detail": detail, **fields, "type": "input_image", "image_url": block.url}
    if isinstance(block, Document) and role != "assistant":
        return {**fields, **_file(block)}
    if isinstance(block, Opaque):
        return _opaque(block)
    raise _unknown(type(block).__name__)


def _file(document: Document) -> dict[str, Any]:
    if document.url is None and document.text is not None:
        return {"type": "input_text", "text": document.text}
    file: dict[str, Any] = {"type": "input_file"}
    url = document.url
    if url is None:
        return file | dict(nested_for("openai_chat", document.extra, "file"))
    if not url.startswith("data:"):
        file["file_url"] = url
        return file
    kind = url.removeprefix("data:").partition(";")[0]
    file["filename"] = document.title or _FILE_NAMES.get(kind, "document")
    file["file_data"] = url
    return file


def _opaque(block: Opaque) -> dict[str, Any]:
    """Write a part or an item that only this dialect knows.

    Raises:
        InvalidRequestError: If it is one of another dialect.

    """
    if block.extra.dialect != DIALECT:
        raise _unknown(block.kind)
    return {**block.extra.fields, "type": block.kind}


def _unknown(kind: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"OpenAI's Responses dialect has no content of type {kind[:50]!r} here", param="messages"
    )
