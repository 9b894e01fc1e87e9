"""Write the events of reasoning and calls that a stream builds piece by piece.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from pydantic_core import from_json

from chatd.canonical.content import Thinking, ToolCall
from chatd.canonical.events import ToolCallDelta
from chatd.canonical.extra import Json, fields_for
from chatd.canonical.response import new_call_id
from chatd.surfaces.openai_responses.output import (
    CALLS,
    call_item,
    reasoning_item,
    summary_part,
)
from chatd.surfaces.openai_responses.parts import DIALECT

Event = dict[str, Any]


class OpenItem(Protocol):
    """An item that is not complete."""

    def close(self, status: str) -> Iterator[Event]:
        """Write the events that complete the item, `response.output_item.done` as the last."""


class OpenReasoning:
    """Reasoning of the model.

    Args:
        id_: The id of the item.
        index: Its place in the output.

    Attributes:
        signature: The token of its maker, if one came.
        maker: The maker, as `<provider>/<model>`.

    """

    def __init__(self, id_: str, index: int) -> None:
        self._id = id_
        self._index = index
        self._parts: list[dict[str, Any]] = []
        self._pieces: list[str] | None = None  # of the open part
        self.signature: str | None = None
        self.maker = ""

    @property
    def begun(self) -> bool:
        """Whether it has a text or a signature."""
        return bool(self._parts or self._pieces or self.signature)

    def begin(self) -> Event:
        """Write the event that begins the item."""
        item = reasoning_item(self._id, Thinking(), "")
        return item_event("response.output_item.added", self._index, item)

    def resume(self, parts: Sequence[dict[str, Any]], text: str | None) -> None:
        """Take over reasoning that another writer began: its parts, and the text of an open one."""
        self._parts += parts
        self._pieces = None if text is None else [text]

    def add(self, piece: str) -> Iterator[Event]:
        """Write a piece of the readable reasoning."""
        if self._pieces is None:
            self._pieces = []
            yield self._event("response.reasoning_summary_part.added", part=summary_part(""))
        self._pieces.append(piece)
        yield self._event("response.reasoning_summary_text.delta", delta=piece)

    def close(self, status: str) -> Iterator[Event]:  # noqa: ARG002  # the protocol's: reasoning has no status
        """Write the end of the summary and of the item."""
        if self._pieces is not None:
            text = "".join(self._pieces)
            yield self._event("response.reasoning_summary_text.done", text=text)
            yield self._event("response.reasoning_summary_part.done", part=summary_part(text))
            self._parts.append(summary_part(text))
            self._pieces = None
        item = reasoning_item(self._id, Thinking("", self.signature), self.maker)
        yield item_event("response.output_item.done", self._index, {**item, "summary": self._parts})

    def _event(self, kind: str, **fields: Any) -> Event:
        return {
            "type": kind,
            "item_id": self._id,
            "output_index": self._index,
            "summary_index": len(self._parts),
            **fields,
        }


class OpenCall:
    """A call of a function or of a custom tool.

    Args:
        id_: The id of the item; the call's own fields may have another.
        index: Its place in the output.
        first: The call's first piece.

    """

    def __init__(self, id_: str, index: int, first: ToolCallDelta) -> None:
        self._id = fields_for(DIALECT, first.extra).get("id") or id_
        self._index = index
        self._pieces: list[str] = []
        self._events = "response.function_call_arguments"
        self._name = "arguments"
        self._stays_open = False
        if first.kind == "custom":
            self._events, self._name = "response.custom_tool_call_input", "input"
        self._call = ToolCall(
            first.id or new_call_id(),
            first.name or "",
            "",
            first.kind,
            first.extra,
            first.namespace,
        )

    def is_complete(self) -> bool:
        """Whether the arguments are a whole JSON object, so that no piece can follow.

        A call that was not complete when the next item began stays open to the end.
        """
        if self._call.kind != "function":
            return True
        if self._stays_open:
            return False
        try:
            found = from_json("".join(self._pieces))
        except ValueError:
            found = None
        self._stays_open = type(found) is not dict
        return not self._stays_open

    def begin(self) -> Event:
        """Write the event that begins the item."""
        item = call_item(self._id, self._call, "in_progress")
        return item_event("response.output_item.added", self._index, item)

    def add(self, piece: str) -> Iterator[Event]:
        """Write a piece of the arguments."""
        if piece and self._call.kind in CALLS:
            self._pieces.append(piece)
            yield self._event(".delta", delta=piece)

    def close(self, status: str) -> Iterator[Event]:
        """Write the end of the arguments and of the item."""
        call, text = self._call, "".join(self._pieces)
        if call.kind == "function" and not text and status == "completed":
            text = "{}"
        if call.kind in CALLS:
            yield self._event(".done", **{self._name: text})
        whole = ToolCall(call.id, call.name, text, call.kind, call.extra, call.namespace)
        item = call_item(self._id, whole, status)
        yield item_event("response.output_item.done", self._index, item)

    def _event(self, suffix: str, **fields: Any) -> Event:
        return {
            "type": self._events + suffix,
            "item_id": self._id,
            "output_index": self._index,
            **fields,
        }


def item_event(kind: str, index: int, item: Json) -> Event:
    """Write the event that begins or ends an item."""
    return {"type": kind, "output_index": index, "item": item}
