"""Forward the events of an upstream that speaks OpenAI's Responses dialect.

Each event is the upstream's own JSON, with its number, the ids of the response and its items, and
the tags of encrypted reasoning replaced. What the items hold is noted, so that another model can
take over in the middle of an item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatd.canonical.extra import Json, unnamed
from chatd.canonical.response import Usage
from chatd.safe_json.item_limits import MAX_PARTS
from chatd.surfaces.openai_responses.open_items import OpenReasoning
from chatd.surfaces.openai_responses.open_message import OpenMessage
from chatd.surfaces.openai_responses.output_writer import Taken
from chatd.surfaces.openai_responses.response import ResponseObject, tag, usage

_BEGINNINGS = frozenset({"response.created", "response.queued", "response.in_progress"})
_ENDS = frozenset({"response.completed", "response.incomplete"})
_PARTS_BEGIN = frozenset({"response.content_part.added", "response.reasoning_summary_part.added"})
_PARTS_END = frozenset({"response.content_part.done", "response.reasoning_summary_part.done"})
_TEXT = "response.output_text.delta"
_SUMMARY = "response.reasoning_summary_text.delta"
_OF_MESSAGE = frozenset({"id", "type", "role", "status", "content"})


@dataclass(slots=True, eq=False)
class _Part:
    """A part of an item: the pieces, and the JSON of the complete part."""

    pieces: list[str] = field(default_factory=list)
    done: dict[str, Any] | None = None


@dataclass(slots=True, eq=False)
class _Item:
    """An item of the upstream: the id in all events, the last JSON, the parts and the state.

    `places` is the field of an event with the place of its part.
    """

    id: str
    json: dict[str, Any]
    places: str
    done: bool = False
    parts: dict[int, _Part] = field(default_factory=dict)

    def part(self, event: Json) -> _Part:
        """Return the part that an event belongs to."""
        place = event.get(self.places, 0)
        if type(place) is not int or len(self.parts) >= MAX_PARTS:
            return _Part()
        return self.parts.setdefault(place, _Part())

    def taken(self) -> tuple[list[dict[str, Any]], str | None]:
        """Return the complete parts, and the text of an open one."""
        parts = [self.parts[place] for place in sorted(self.parts)]
        complete = [part.done for part in parts if part.done is not None]
        unfinished = [part for part in parts if part.done is None]
        return complete, "".join(unfinished[-1].pieces) if unfinished else None


class Forwarding:
    """Forwards the events of one response.

    Args:
        response: The fields of the response.
        maker: The maker of its tokens, as `<provider>/<model>`.

    Attributes:
        ended: Whether the event of the complete or incomplete response is written.

    """

    def __init__(self, response: ResponseObject, maker: str) -> None:
        self._response = response
        self._maker = maker
        self._items: dict[int, _Item] = {}
        self._begun = False
        self.ended = False

    def write(self, body: dict[str, Any], counted: Usage) -> Iterator[dict[str, Any]]:
        """Write an event, after `response.created` if the upstream leaves that out.

        Args:
            body: The event. It is changed.
            counted: The tokens so far.

        """
        kind = body.get("type")
        if type(kind) is not str:
            return
        if kind in _BEGINNINGS:
            self._begun = True
            body["response"] = self._forwarded(body)
        elif not self._begun:
            self._begun = True
            yield {"type": "response.created", "response": self._response.of("in_progress", [])}
        if kind in _ENDS:
            self.ended = True
            body["response"] = self._complete(body, counted)
        elif kind not in _BEGINNINGS:
            self._note(kind, body)
        yield body

    def items(self) -> Taken:
        """Return the items so far, by their places, and the open message and reasoning.

        An open item has None in its place.
        """
        output: list[dict[str, Any] | None] = [None] * (max(self._items, default=-1) + 1)
        message: OpenMessage | None = None
        reasoning: OpenReasoning | None = None
        for place, item in self._items.items():
            if item.done:
                output[place] = item.json
            elif item.json.get("type") == "message":
                message = OpenMessage(item.id, place, unnamed(item.json, _OF_MESSAGE))
                message.resume(*item.taken())
            elif item.json.get("type") == "reasoning":
                reasoning = OpenReasoning(item.id, place)
                reasoning.resume(*item.taken())
        return output, message, reasoning

    def _forwarded(self, body: Json, **more: Any) -> dict[str, Any]:
        given = body.get("response")
        found: Json = given if type(given) is dict else {}
        model = found.get("model")
        if type(model) is str and model:
            self._response.model = model
        return self._response.forwarded(found, **more)

    def _complete(self, body: Json, counted: Usage) -> dict[str, Any]:
        """Write the response of the last event; an empty output is that of the events before."""
        written = self._forwarded(body)
        for place, item in enumerate(written["output"]):
            tag(item, self._maker)
            noted = self._items.get(place)
            if noted is not None and type(item) is dict:
                item["id"] = noted.id
        if not written["output"]:
            written["output"] = [item.json for _, item in sorted(self._items.items()) if item.done]
        if written.get("usage") is not None or counted.input_tokens or counted.output_tokens:
            written["usage"] = usage(counted)
        return written

    def _note(self, kind: str, body: dict[str, Any]) -> None:
        """Add an event to the item, and write the item's id into the event."""
        place = body.get("output_index")
        if type(place) is not int or not 0 <= place < MAX_PARTS:
            return
        given = body.get("item")
        if type(given) is dict:
            self._note_item(place, given, done=kind == "response.output_item.done")
            return
        item = self._items.get(place)
        if item is None:
            return
        if "item_id" in body or kind.endswith((".delta", ".done")):
            body["item_id"] = item.id
        if kind in (_TEXT, _SUMMARY):
            if type(body.get("delta")) is str:
                item.part(body).pieces.append(body["delta"])
        elif kind in _PARTS_BEGIN:
            item.part(body)
        elif kind in _PARTS_END and type(body.get("part")) is dict:
            item.part(body).done = body["part"]

    def _note_item(self, place: int, given: dict[str, Any], *, done: bool) -> None:
        tag(given, self._maker)
        item = self._items.get(place)
        if item is None:
            id_ = given.get("id")
            if type(id_) is not str or not id_:
                id_ = f"item_{self._response.token}_{place}"
            places = "summary_index" if given.get("type") == "reasoning" else "content_index"
            item = self._items[place] = _Item(id_, given, places)
        given["id"] = item.id
        item.json, item.done = given, done
