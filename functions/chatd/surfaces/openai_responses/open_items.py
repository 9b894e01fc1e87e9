"""Write the events of output items that a stream builds piece by piece.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from pydantic_core import from_json

from chatd.canonical.content import Thinking, ToolCall
from chatd.canonical.events import ToolCallDelta
from chatd.canonical.extra import NOTHING, Json, fields_for
from chatd.canonical.response import new_call_id
from chatd.surfaces.openai_responses.items import DIALECT
from chatd.surfaces.openai_responses.output import (
    CALLS,
    call_item,
    message_item,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
)

Event = dict[str, Any]


class OpenItem(Protocol):
    """An item that is not complete."""

    def close(self, status: str) -> Iterator[Event]:
        """Write the events that complete the item, `response.output_item.done` as the last."""


class OpenMessage:
    """A message of the model.

    Args:
        id_: The id of the item.
        index: Its place in the output.
        fields: Its unnamed fields.

    """

    def __init__(self, id_: str, index: int, fields: Json = NOTHING) -> None:
        self._id = id_
        self._index = index
        self._fields = fields
        self._parts: list[dict[str, Any]] = []
        self._kind: str | None = None  # of the open part
        self._pieces: list[str] = []
        self._logprobs: list[Any] = []
        self._annotations: list[Any] = []

    def begin(self) -> Event:
        """Write the event that begins the item."""
        item = message_item(self._id, (), self._fields, "in_progress")
        return _item("response.output_item.added", self._index, item)

    def resume(self, parts: Sequence[dict[str, Any]], text: str | None) -> None:
        """Take over a message that another writer began: its parts, and the text of an open one."""
        self._parts += parts
        if text is not None:
            self._kind, self._pieces = "output_text", [text]

    def add(
        self, kind: str, piece: str, logprobs: Sequence[Any] = (), *, begins: bool = False
    ) -> Iterator[Event]:
        """Write a piece of a part of kind `output_text` or `refusal`."""
        if self._kind != kind or (begins and self._pieces):
            yield from self._end_part()
            self._kind = kind
            part = text_part("", NOTHING) if kind == "output_text" else refusal_part("", NOTHING)
            yield self._event("response.content_part.added", part=part)
        self._pieces.append(piece)
        if kind == "output_text":
            self._logprobs += logprobs
            yield self._event("response.output_text.delta", delta=piece, logprobs=[*logprobs])
        else:
            yield self._event("response.refusal.delta", delta=piece)

    def further_text(self, piece: str) -> Event | None:
        """Write a further piece of the open text; None if no text is open."""
        if self._kind != "output_text":
            return None
        self._pieces.append(piece)
        return self._event("response.output_text.delta", delta=piece, logprobs=[])

    def annotate(self, found: Sequence[Any]) -> Iterator[Event]:
        """Write citations of the open text."""
        if self._kind == "output_text":
            for annotation in found:
                number = len(self._annotations)
                self._annotations.append(annotation)
                yield self._event(
                    "response.output_text.annotation.added",
                    annotation_index=number,
                    annotation=annotation,
                )

    def add_part(self, part: dict[str, Any]) -> Iterator[Event]:
        """Write a whole part."""
        yield from self._end_part()
        yield self._event("response.content_part.added", part=part)
        yield from self._finish_part(part)

    def close(self, status: str) -> Iterator[Event]:
        """Write the end of the open part and of the item."""
        yield from self._end_part()
        item = message_item(self._id, self._parts, self._fields, status)
        yield _item("response.output_item.done", self._index, item)

    def _end_part(self) -> Iterator[Event]:
        if self._kind is None:
            return
        text = "".join(self._pieces)
        if self._kind == "refusal":
            part = refusal_part(text, NOTHING)
        else:
            part = text_part(text, NOTHING, self._logprobs)
            part["annotations"] = self._annotations
            self._logprobs, self._annotations = [], []
        self._kind, self._pieces = None, []
        yield from self._finish_part(part)

    def _finish_part(self, part: dict[str, Any]) -> Iterator[Event]:
        if part["type"] == "output_text":
            logprobs = part.get("logprobs") or []
            yield self._event("response.output_text.done", text=part["text"], logprobs=logprobs)
        elif part["type"] == "refusal":
            yield self._event("response.refusal.done", refusal=part["refusal"])
        yield self._event("response.content_part.done", part=part)
        self._parts.append(part)

    def _event(self, kind: str, **fields: Any) -> Event:
        return {
            "type": kind,
            "item_id": self._id,
            "output_index": self._index,
            "content_index": len(self._parts),
            **fields,
        }


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
        return _item("response.output_item.added", self._index, item)

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
        yield _item("response.output_item.done", self._index, {**item, "summary": self._parts})

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
        return _item("response.output_item.added", self._index, item)

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
        yield _item("response.output_item.done", self._index, call_item(self._id, whole, status))

    def _event(self, suffix: str, **fields: Any) -> Event:
        return {
            "type": self._events + suffix,
            "item_id": self._id,
            "output_index": self._index,
            **fields,
        }


def _item(kind: str, index: int, item: Json) -> Event:
    return {"type": kind, "output_index": index, "item": item}
