"""Read the turns of a request of OpenAI's chat surface into content blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

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
from chatd.canonical.extra import NOTHING, Extra, extra_of, unnamed
from chatd.canonical.request import Message
from chatd.errors import InvalidRequestError
from chatd.surfaces.openai_chat.schema import (
    OpenAIFunctionCall,
    OpenAIImageUrl,
    OpenAIToolCall,
    OpenAITurn,
)

DIALECT = "openai_chat"


def names_of(model: type[BaseModel]) -> frozenset[str]:
    """Return the JSON names of a model's fields."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


_OF_TURN = names_of(OpenAITurn)
_OF_OTHER_TURN = _OF_TURN - {"tool_call_id"}
_OF_TEXT = frozenset({"type", "text"})
_OF_IMAGE = frozenset({"type", "image_url"})
_OF_IMAGE_URL = names_of(OpenAIImageUrl)
_OF_FILE_PART = frozenset({"type", "file"})
_OF_FILE = frozenset({"file_data", "filename"})
_OF_CALL = names_of(OpenAIToolCall)
_OF_FUNCTION_CALL = names_of(OpenAIFunctionCall)
_OF_CUSTOM_CALL = frozenset({"id", "type", "custom"})
_OF_CUSTOM = frozenset({"name", "input"})


def missing(param: str) -> InvalidRequestError:
    """Make the error for a missing field."""
    return InvalidRequestError(f"{param!r} is missing", param=param)


def message_of(turn: dict[str, Any], position: int) -> Message:
    """Read one message; `position` is its place in the request, for errors.

    Raises:
        InvalidRequestError: If the message lacks a field that its role needs.

    """
    role, content = turn["role"], turn.get("content")
    blocks: tuple[Block, ...]
    if isinstance(content, str):
        blocks = (Text(content),)
    elif content is None and role != "assistant":
        raise missing(f"messages.{position}.content")
    else:
        place = f"messages.{position}.content"
        blocks = tuple([_part(part, f"{place}.{n}") for n, part in enumerate(content or ())])
    if len(turn) == 2 and content is not None and role != "tool":  # noqa: PLR2004  # role and content alone, as most turns
        return Message(role, blocks)
    return _further(turn, position, blocks)


def _further(turn: Mapping[str, Any], position: int, blocks: tuple[Block, ...]) -> Message:
    """Read the turn's fields besides its role and content."""
    role, named = turn["role"], _OF_TURN
    if role == "tool":
        if turn.get("tool_call_id") is None:
            raise missing(f"messages.{position}.tool_call_id")
        blocks = (ToolResult(turn["tool_call_id"], blocks),)
    else:
        named = _OF_OTHER_TURN
    if thinking := turn.get("reasoning_content") or turn.get("reasoning"):
        blocks = (Thinking(thinking), *blocks)
        if turn.get("reasoning_content") and turn.get("reasoning"):
            named = named - {"reasoning"}
    if calls := turn.get("tool_calls"):
        place = f"messages.{position}.tool_calls"
        blocks = (*blocks, *[_call(call, f"{place}.{n}") for n, call in enumerate(calls)])
    return Message(role, blocks, turn.get("name"), extra_of(DIALECT, turn, named))


def _part(part: dict[str, Any], place: str) -> Block:
    kind = part["type"]
    if kind == "text":
        if part.get("text") is None:
            raise missing(f"{place}.text")
        return Text(part["text"], extra_of(DIALECT, part, _OF_TEXT))
    if kind == "image_url":
        return _image(part, place)
    if kind == "file" and (document := _document(part)) is not None:
        return document
    return Opaque(kind, Extra(DIALECT, unnamed(part, {"type"})))


def _image(part: dict[str, Any], place: str) -> Image:
    image = part.get("image_url")
    if image is None:
        raise missing(f"{place}.image_url")
    if isinstance(image, str):
        image = part["image_url"] = {"url": image}
    extra = extra_of(DIALECT, part, _OF_IMAGE, image_url=unnamed(image, _OF_IMAGE_URL))
    return Image(image["url"], extra)


def _document(part: Mapping[str, Any]) -> Document | None:
    """Read a file with its content; None for a file without.

    https://platform.openai.com/docs/guides/pdf-files#base64-encoded-files
    """
    file = part["file"] if isinstance(part.get("file"), dict) else NOTHING
    data, title = file.get("file_data"), file.get("filename")
    if not (isinstance(data, str) and data.startswith("data:") and isinstance(title, str | None)):
        return None
    extra = extra_of(DIALECT, part, _OF_FILE_PART, file=unnamed(file, _OF_FILE))
    return Document(url=data, title=title, extra=extra)


def _call(call: Mapping[str, Any], place: str) -> ToolCall:
    kind = call.get("type", "function")
    if kind == "function":
        function = call.get("function")
        if function is None:
            raise missing(f"{place}.function")
        extra = extra_of(DIALECT, call, _OF_CALL, function=unnamed(function, _OF_FUNCTION_CALL))
        return ToolCall(call["id"], function["name"], function["arguments"], extra=extra)
    custom = call["custom"] if isinstance(call.get("custom"), dict) else NOTHING
    name, text = custom.get("name"), custom.get("input")
    if kind == "custom" and isinstance(name, str) and isinstance(text, str):
        extra = extra_of(DIALECT, call, _OF_CUSTOM_CALL, custom=unnamed(custom, _OF_CUSTOM))
        return ToolCall(call["id"], name, text, kind, extra)
    return ToolCall(call["id"], "", "", kind, extra_of(DIALECT, call, {"id", "type"}))
