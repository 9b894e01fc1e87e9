"""Write content blocks in Anthropic's Messages dialect.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

import json
from base64 import b64decode
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
from chatd.dialects.anthropic_messages.call_ids import CallIds
from chatd.dialects.anthropic_messages.reading import DIALECT
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
            "input": _input(call, f"{place}.tool_calls"),
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
    if image.url[:5].lower() != "data:":
        return {**nested, "type": "url", "url": image.url}
    media_type, data = _decoded_url(image.url, f"{place}.image_url.url")
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
        if document.url[:5].lower() != "data:":
            return {"type": "url", "url": document.url}
        media_type, data = _decoded_url(document.url, place)
        if not media_type.startswith("text/"):
            return {"type": "base64", "media_type": media_type, "data": data}
        text = _text(data, place)
    return {"type": "text", "media_type": "text/plain", "data": text or ""}


def _decoded_url(url: str, place: str) -> tuple[str, str]:
    """Split a data URL into the media type and the base64 text.

    Raises:
        InvalidRequestError: If it has another encoding.

    """
    head, _, data = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not data or parameters[-1:] != ["base64"]:
        raise InvalidRequestError("a data URL must be base64: data:<type>;base64,…", param=place)
    return media_type.lower(), data


def _text(data: str, place: str) -> str:
    try:
        return b64decode(data, validate=True).decode("utf-8")
    except ValueError:
        raise InvalidRequestError(
            "the text of a file must be UTF-8 in base64", param=place
        ) from None


def _input(call: ToolCall, place: str) -> Json:
    """Parse the arguments of a call; empty ones are an empty object.

    Raises:
        InvalidRequestError: If the call is none of a function, or its arguments are no JSON object.

    """
    if call.kind != "function":
        raise InvalidRequestError("Anthropic takes calls of functions only", param=place)
    if not call.arguments.strip():
        return {}
    try:
        found = json.loads(call.arguments)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InvalidRequestError(
            "the arguments of a tool call are the text of a JSON object", param=place
        )
    return found
