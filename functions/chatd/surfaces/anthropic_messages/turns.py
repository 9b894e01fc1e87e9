"""Read the turns of a request of Anthropic's Messages surface into content blocks.

A signature or redacted thinking loses its maker's tag, also in the caller's JSON, which a provider
of the same dialect gets (docs/decisions/0037-maker-tags.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import to_json

from chatd.canonical.content import (
    Block,
    Document,
    Image,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.extra import Extra, Json, extra_of, unnamed
from chatd.canonical.maker import untagged
from chatd.canonical.request import Message
from chatd.errors import InvalidRequestError
from chatd.surfaces.validation import refuse_infinite_in

DIALECT = "anthropic_messages"

_TYPE = frozenset({"type"})
_OF_TURN = frozenset({"role", "content"})
_OF_TEXT = frozenset({"type", "text"})
_OF_IMAGE = frozenset({"type", "source"})
_OF_DOCUMENT = frozenset({"type", "source", "title"})
_OF_DATA = frozenset({"type", "media_type", "data"})
_OF_URL = frozenset({"type", "url"})
_OF_THINKING = frozenset({"type", "thinking", "signature"})
_OF_REDACTED = frozenset({"type", "data"})
_OF_TOOL_USE = frozenset({"type", "id", "name", "input"})
_OF_TOOL_RESULT = frozenset({"type", "tool_use_id", "content", "is_error"})


def missing(param: str) -> InvalidRequestError:
    """Make the error for a missing field."""
    return InvalidRequestError(f"{param!r} is missing", param=param)


def message_of(turn: Mapping[str, Any], place: str) -> Message:
    """Read one message; `place` is its path in the request, for errors.

    Raises:
        InvalidRequestError: If a tool call holds a number that is not finite.

    """
    blocks = blocks_of(turn["content"], f"{place}.content")
    return Message(turn["role"], blocks, extra=extra_of(DIALECT, turn, _OF_TURN))


def blocks_of(content: str | list[dict[str, Any]], place: str) -> tuple[Block, ...]:
    """Read the content of a turn, of the system prompt or of a tool result.

    Raises:
        InvalidRequestError: If a tool call holds a number that is not finite.

    """
    if isinstance(content, str):
        return (Text(content),)
    return tuple([_block(block, f"{place}.{n}") for n, block in enumerate(content)])


def _block(block: dict[str, Any], place: str) -> Block:
    read = _READERS.get(block["type"])
    found = None if read is None else read(block, place)
    if found is not None:
        return found
    return Opaque(block["type"], Extra(DIALECT, unnamed(block, _TYPE)))


def _text(block: Json, place: str) -> Text:  # noqa: ARG001  # the shape of every reader
    if len(block) == 2:  # noqa: PLR2004  # the type and the text alone, as most blocks
        return Text(block["text"])
    return Text(block["text"], extra_of(DIALECT, block, _OF_TEXT))


def _image(block: Json, place: str) -> Image | None:
    """Read an image; None for one that only Anthropic has, by the id of a file."""
    source = block["source"]
    url = _url(source, place)
    if url is None:
        return None
    return Image(url, extra_of(DIALECT, block, _OF_IMAGE, source=_rest(source)))


def _document(block: Json, place: str) -> Document | None:
    """Read a PDF file or a plain text; None for content blocks and the id of a file."""
    source, title = block["source"], block.get("title")
    extra = extra_of(DIALECT, block, _OF_DOCUMENT, source=_rest(source))
    if source["type"] == "text":
        if source.get("data") is None:
            raise missing(f"{place}.source.data")
        return Document(text=source["data"], title=title, extra=extra)
    url = _url(source, place)
    return None if url is None else Document(url=url, title=title, extra=extra)


def _url(source: Json, place: str) -> str | None:
    """Return the content of a source as a URL; None for a source of another kind.

    Raises:
        InvalidRequestError: If the source lacks its content.

    """
    kind = source["type"]
    if kind == "url":
        if not source.get("url"):
            raise missing(f"{place}.source.url")
        return str(source["url"])
    if kind != "base64":
        return None
    for name in ("media_type", "data"):
        if source.get(name) is None:
            raise missing(f"{place}.source.{name}")
    return f"data:{source['media_type']};base64,{source['data']}"


def _rest(source: Json) -> Json:
    """Return the unnamed fields of a source; a plain text has one media type in the API."""
    if source["type"] == "text" and source.get("media_type") != "text/plain":
        return unnamed(source, _OF_DATA - {"media_type"})
    return unnamed(source, _OF_URL if source["type"] == "url" else _OF_DATA)


def _thinking(block: dict[str, Any], place: str) -> Thinking:  # noqa: ARG001  # as above
    maker, signature = untagged(block.get("signature") or "")
    if signature:
        block["signature"] = signature
    extra = extra_of(DIALECT, block, _OF_THINKING)
    return Thinking(block["thinking"], signature or None, maker=maker, extra=extra)


def _redacted_thinking(block: dict[str, Any], place: str) -> Thinking:  # noqa: ARG001  # as above
    maker, block["data"] = untagged(block["data"])
    extra = extra_of(DIALECT, block, _OF_REDACTED)
    return Thinking(redacted=block["data"], maker=maker, extra=extra)


def _tool_use(block: Json, place: str) -> ToolCall:
    given = block["input"]
    arguments = to_json(given).decode()
    if "Infinity" in arguments or "NaN" in arguments:
        refuse_infinite_in(given, f"{place}.input")
    extra = extra_of(DIALECT, block, _OF_TOOL_USE)
    return ToolCall(block["id"], block["name"], arguments, extra=extra)


def _tool_result(block: Json, place: str) -> ToolResult:
    content = block.get("content")
    blocks = () if content is None else blocks_of(content, f"{place}.content")
    extra = extra_of(DIALECT, block, _OF_TOOL_RESULT)
    return ToolResult(block["tool_use_id"], blocks, bool(block.get("is_error")), extra)


_READERS: Mapping[str, Callable[[dict[str, Any], str], Block | None]] = MappingProxyType(
    {
        "text": _text,
        "image": _image,
        "document": _document,
        "thinking": _thinking,
        "redacted_thinking": _redacted_thinking,
        "tool_use": _tool_use,
        "tool_result": _tool_result,
    }
)
