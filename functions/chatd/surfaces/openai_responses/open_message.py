"""Write the events of a message that a stream builds piece by piece.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.extra import NOTHING, Json
from chatd.surfaces.openai_responses.open_items import Event, item_event
from chatd.surfaces.openai_responses.output import message_item, refusal_part, text_part


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
        return item_event("response.output_item.added", self._index, item)

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
        yield item_event("response.output_item.done", self._index, item)

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
