"""Write content blocks in Anthropic's Messages dialect.

https://platform.claude.com/docs/en/api/messages/create
"""

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
from chatd.dialects.anthropic_messages.cache_marks import NAME, mark, own_fields
from chatd.dialects.anthropic_messages.reading import DIALECT
from chatd.dialects.call_arguments import parsed_arguments
from chatd.dialects.call_ids import CallIds
from chatd.dialects.data_urls import decoded_url, is_data_url, text_in_base64
from chatd.errors import InvalidRequestError

Json = dict[str, Any]


class BlockWriter:
    """Writes the blocks of a conversation, in its order.

    Args:
        ids: Fits the ids of tool calls; None leaves them as they are.
        keeps_unsigned: Whether thinking without a signature is written. Claude refuses it, other
            vendors' models need it back.

    """

    def __init__(self, ids: CallIds | None, *, keeps_unsigned: bool) -> None:
        self._ids = ids
        self._keeps_unsigned = keeps_unsigned

    def written(self, blocks: tuple[Block, ...], place: str) -> list[Json]:
        """Write blocks, without empty texts and without thinking that the model refuses.

        Args:
            blocks: The blocks.
            place: The path of the message, for errors.

        Raises:
            InvalidRequestError: If the dialect cannot express a block.

        """
        return [found for one in blocks if (found := self.block(one, place)) is not None]

    def of_turn(self, turn: Message, blocks: tuple[Block, ...], place: str) -> list[Json]:
        """Write blocks of a turn; a mark of the turn itself goes to the last one."""
        found = self.written(blocks, place)
        if found and (marked := mark(turn.extra)) is not None:
            found[-1].setdefault(NAME, marked)
        return found

    def block(self, block: Block, place: str) -> Json | None:
        """Write a block; None for one that is left out."""
        fields = own_fields(block.extra)
        written: Json | None
        match block:
            case Text() | Refusal():
                written = {**fields, "type": "text", "text": block.text}
                return written if block.text.strip() else None
            case Thinking():
                written = self._thinking(block)
            case Image():
                written = {**fields, "type": "image", "source": _image(block, place)}
            case Document():
                written = _document(block, place)
            case ToolCall():
                written = self._call(block, place)
            case ToolResult():
                written = self._result(block, place)
            case Opaque():
                written = _opaque(block, place)
        return written

    def _thinking(self, block: Thinking) -> Json | None:
        fields = fields_for(DIALECT, block.extra)
        if block.redacted is not None:
            return {**fields, "type": "redacted_thinking", "data": block.redacted}
        if not block.signature and not (self._keeps_unsigned and block.text):
            return None
        signature = block.signature or ""
        return {**fields, "type": "thinking", "thinking": block.text, "signature": signature}

    def _call(self, call: ToolCall, place: str) -> Json:
        return {
            **fields_for(DIALECT, call.extra),
            "type": "tool_use",
            "id": call.id if self._ids is None else self._ids.call(call.id),
            "name": call.name,
            "input": parsed_arguments(call, f"{place}.tool_calls", "Anthropic"),
        }

    def _result(self, result: ToolResult, place: str) -> Json:
        given = result.call_id
        written = {
            **fields_for(DIALECT, result.extra),
            "type": "tool_result",
            "tool_use_id": given if self._ids is None else self._ids.result(given),
        }
        content = self.written(result.blocks, place)
        if content:
            written["content"] = plain(content)
        if result.is_error:
            written["is_error"] = True
        return written


def plain(content: list[Json]) -> str | list[Json]:
    """Return the text of a single plain text block, or else the blocks."""
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return str(content[0]["text"])
    return content


def _opaque(block: Opaque, place: str) -> Json:
    if block.extra.dialect != DIALECT:
        raise InvalidRequestError(
            f"Anthropic's dialect has no content of type {block.kind[:50]!r}", param=place
        )
    return {"type": block.kind, **block.extra.fields}


def _image(image: Image, place: str) -> Json:
    nested = nested_for(DIALECT, image.extra, "source")
    if not is_data_url(image.url):
        return {**nested, "type": "url", "url": image.url}
    media_type, data = decoded_url(image.url, f"{place}.image_url.url")
    return {**nested, "type": "base64", "media_type": media_type, "data": data}


def _document(document: Document, place: str) -> Json:
    written = {
        **own_fields(document.extra),
        "type": "document",
        "source": {
            **nested_for(DIALECT, document.extra, "source"),
            **_document_source(document, f"{place}.file.file_data"),
        },
    }
    if document.title is not None:
        written["title"] = document.title
    return written


def _document_source(document: Document, place: str) -> Json:
    """Write a document's content: a text, a PDF file, or the URL of one."""
    text = document.text
    if document.url is not None:
        if not is_data_url(document.url):
            return {"type": "url", "url": document.url}
        media_type, data = decoded_url(document.url, place)
        if not media_type.startswith("text/"):
            return {"type": "base64", "media_type": media_type, "data": data}
        text = text_in_base64(data, place)
    return {"type": "text", "media_type": "text/plain", "data": text or ""}
