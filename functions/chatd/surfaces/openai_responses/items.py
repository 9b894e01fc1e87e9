"""Read the input items of a request of OpenAI's Responses surface into turns.

Items of the model that follow one another, such as reasoning, text and calls, are one turn, as
other APIs have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chatd.canonical.content import (
    Block,
    Opaque,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from chatd.canonical.extra import NOTHING, Extra, Json, extra_of, unnamed
from chatd.canonical.maker import untagged
from chatd.canonical.request import Message
from chatd.errors import InvalidRequestError
from chatd.surfaces.openai_responses.parts import DIALECT, blocks_of, extra_fields, missing

# Marks the encrypted content that another dialect keeps apart from signatures: Anthropic's
# redacted thinking.
REDACTED = "redacted_thinking:"
_OF_MESSAGE = frozenset({"type", "role", "content"})
_OF_CALL = frozenset({"type", "call_id", "name", "arguments", "namespace"})
_OF_CUSTOM_CALL = frozenset({"type", "call_id", "name", "input", "namespace"})
_OF_OUTPUT = frozenset({"type", "call_id", "output"})
_OF_REASONING = frozenset({"type", "encrypted_content"})
# Items of the model besides calls, whose kinds end in `_call`.
_OF_MODEL = frozenset({"compaction", "mcp_list_tools", "mcp_approval_request", "program"})


@dataclass(slots=True, eq=False)
class Turns:
    """What the items are read into.

    Attributes:
        messages: The turns.
        owners: For each item the index of its turn; None for an item that is no part of a turn.
        tools: The tools among the items, with their places.
        rest: The items that are no part of a turn.

    """

    messages: list[Message] = field(default_factory=list)
    owners: list[int | None] = field(default_factory=list)
    tools: list[tuple[str, Json]] = field(default_factory=list)
    rest: list[Json] = field(default_factory=list)
    _open: list[Block] = field(default_factory=list)

    def add(self, item: dict[str, Any], place: str) -> None:
        """Read one item; an encrypted content in it loses its maker's tag.

        Raises:
            InvalidRequestError: If the item lacks a field that it needs, or is stored elsewhere.

        """
        kind = "message" if item.get("type") is None else item["type"]
        if kind == "message" and item["role"] != "assistant":
            self._turn(_message(item, place))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._turn(Message("tool", (_result(item, kind, place),)))
        elif kind == "additional_tools":
            self.tools += [(f"{place}.tools.{n}", tool) for n, tool in enumerate(item["tools"])]
            self._leave(item)
        elif kind == "item_reference":
            raise _stored(place)
        elif kind in _READERS:
            self._model(item, _READERS[kind](item, place))
        else:
            self._other(kind, item)

    def end(self) -> None:
        """End the open turn of the model."""
        if self._open:
            self.messages.append(Message("assistant", tuple(self._open)))
            self._open.clear()

    def _other(self, kind: str, item: Json) -> None:
        """Read an item that only this dialect knows."""
        block = Opaque(kind, Extra(DIALECT, unnamed(item, {"type"})))
        if kind in _OF_MODEL or kind.endswith("_call"):
            self._model(item, (block,))
        elif kind.endswith(("_output", "_response")):
            self._turn(Message("tool", (block,)))
        else:
            self._turn(Message("user", (block,)))

    def _turn(self, message: Message) -> None:
        self.end()
        self.owners.append(len(self.messages))
        self.messages.append(message)

    def _model(self, item: Json, blocks: Sequence[Block]) -> None:
        """Add the blocks of an item to the open turn of the model, whose index is the next one."""
        if blocks:
            self.owners.append(len(self.messages))
            self._open += blocks
        else:
            self._leave(item)

    def _leave(self, item: Json) -> None:
        self.owners.append(None)
        self.rest.append(item)


def turns_of(given: str | Sequence[dict[str, Any]], instructions: str | None) -> Turns:
    """Read the input; the instructions come first, as a system turn.

    Raises:
        InvalidRequestError: If an item cannot be read.

    """
    turns = Turns()
    if instructions:
        turns.messages.append(Message("system", (Text(instructions),)))
    if isinstance(given, str):
        turns.messages.append(Message("user", (Text(given),)))
        return turns
    for position, item in enumerate(given):
        turns.add(item, f"input.{position}")
    turns.end()
    if not turns.messages:
        raise InvalidRequestError("it holds no message", param="input")
    return turns


def _stored(place: str) -> InvalidRequestError:
    return InvalidRequestError(
        "the item that it refers to is not stored: with `store: false` a client sends the item"
        " itself",
        param=place,
    )


def _message(item: Json, place: str) -> Message:
    """Read a message of the caller."""
    content = item.get("content")
    if content is None:
        raise missing(f"{place}.content")
    blocks = blocks_of(content, f"{place}.content")
    if len(item) == 2:  # noqa: PLR2004  # role and content alone, as most
        return Message(item["role"], blocks)
    return Message(item["role"], blocks, extra=extra_fields(item, _OF_MESSAGE))


def _answer(item: Json, place: str) -> tuple[Block, ...]:
    """Read a message of the model; its first block has the fields of the item."""
    blocks = blocks_of(item.get("content") or (), f"{place}.content")
    rest = unnamed(item, _OF_MESSAGE)
    if blocks and rest:
        first = blocks[0]
        own: Json = NOTHING if first.extra is None else first.extra.fields
        first.extra = Extra(DIALECT, own, {"item": rest})
    return blocks


def _reasoning(item: dict[str, Any], _place: str) -> tuple[Block, ...]:
    """Read reasoning; nothing if it has neither text nor encrypted content."""
    summary, content = item.get("summary") or (), item.get("content") or ()
    text = "\n\n".join([part["text"] for part in summary if part.get("text")])
    if not text:
        text = "".join([part["text"] for part in content if part.get("text")])
    maker = token = None
    if item.get("encrypted_content"):
        maker, token = untagged(item["encrypted_content"])
    if not text and not token:
        return ()
    extra = extra_fields(item, _OF_REASONING)
    if maker is not None and token is not None:
        if token.startswith(REDACTED):
            token = item["encrypted_content"] = token.removeprefix(REDACTED)
            return (Thinking(text, redacted=token, maker=maker, extra=extra),)
        item["encrypted_content"] = token
    return (Thinking(text, token, maker=maker, extra=extra),)


def _call(item: Json, _place: str) -> tuple[Block, ...]:
    extra = extra_of(DIALECT, item, _OF_CALL)
    named = item["call_id"], item["name"], item["arguments"]
    return (ToolCall(*named, extra=extra, namespace=item.get("namespace")),)


def _custom_call(item: Json, _place: str) -> tuple[Block, ...]:
    extra = extra_of(DIALECT, item, _OF_CUSTOM_CALL)
    named = item["call_id"], item["name"], item["input"]
    return (ToolCall(*named, "custom", extra, item.get("namespace")),)


def _result(item: Json, kind: str, place: str) -> ToolResult:
    """Read the result of a call; of a custom tool it keeps its type."""
    blocks = blocks_of(item["output"], f"{place}.output")
    own: Mapping[str, Json] = {"item": {"type": kind}} if kind.startswith("custom") else NOTHING
    return ToolResult(item["call_id"], blocks, extra=extra_of(DIALECT, item, _OF_OUTPUT, **own))


_READERS = {
    "message": _answer,
    "reasoning": _reasoning,
    "function_call": _call,
    "custom_tool_call": _custom_call,
}
