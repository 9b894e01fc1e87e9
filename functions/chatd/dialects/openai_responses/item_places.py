"""Find the output item that an event of a stream belongs to.

An item is known by its position, or else by its id, or else it is the last open one of its kind:
servers leave out positions and ids, and some change an item's id from event to event.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chatd.canonical.extra import Json
from chatd.canonical.response import too_many_blocks
from chatd.dialects.json_shapes import name_in
from chatd.safe_json.item_limits import MAX_PARTS

MESSAGE = "message"


@dataclass(slots=True, eq=False)
class Item:
    """An output item of a stream.

    Attributes:
        kind: Its type.
        id: Its id, if the server gives one.
        index: Its position, if the server gives one.
        call: The number of its tool call; None before the call's first piece.
        read: The positions of its parts of which any text was read.
        source: `summary` or `content`, from which its reasoning is read; empty before its first.
        done: Whether all of it was read.

    """

    kind: str
    id: str | None = None
    index: int | None = None
    call: int | None = None
    read: set[int] = field(default_factory=set)
    source: str = ""
    done: bool = False


class Items:
    """The output items of a stream, in the order of their first events."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._by_index: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._parts = 0

    def begin_part(self, item: Item, position: int) -> bool:
        """Note that a part of an item is read; return whether it was new.

        Raises:
            AnswerTooLargeError: If there are more than 10,000 parts.

        """
        if position in item.read:
            return False
        if self._parts >= MAX_PARTS:
            raise too_many_blocks()
        self._parts += 1
        item.read.add(position)
        return True

    def of_delta(self, kind: str, event: Json) -> Item:
        """Return the item of a delta; a new one if the delta is its first event."""
        index, id_ = index_in(event), name_in(event, "item_id")
        return self._match(kind, index, id_) or self._add(kind, index, id_)

    def of_whole(self, given: Json, index: int | None) -> Item:
        """Return the item that is given whole; a new one if no event before was of it."""
        kind, id_ = kind_of(given), name_in(given, "id")
        return self._match(kind, index, id_) or self._add(kind, index, id_)

    def open(self, given: Json, index: int | None) -> Item:
        """Add a new item.

        Raises:
            AnswerTooLargeError: If there are more than 10,000 items.

        """
        return self._add(kind_of(given), index, name_in(given, "id"))

    def of_output(self, output: list[dict[str, Any]]) -> Iterator[tuple[Item, dict[str, Any]]]:
        """Yield the item of each entry of a whole output, in its order.

        An entry without a known position or id is the next item of its kind.
        """
        waiting: dict[str, deque[Item]] = {}
        for item in self._items:
            waiting.setdefault(item.kind, deque()).append(item)
        taken: set[Item] = set()
        for index, given in enumerate(output):
            kind = kind_of(given)
            queue = waiting.get(kind, deque())
            found = self._by_index.get(index) or self._by_id.get(name_in(given, "id") or "")
            if found is None or found.kind != kind or found in taken:
                while queue and queue[0] in taken:
                    queue.popleft()
                found = queue.popleft() if queue else self.open(given, None)
            taken.add(found)
            yield found, given

    def _match(self, kind: str, index: int | None, id_: str | None) -> Item | None:
        found = None if index is None else self._by_index.get(index)
        if found is not None and found.done and _differ(found.id, id_):
            found = None  # a server that gives each item the same position
        elif found is None and id_ is not None:
            found = self._by_id.get(id_)
        if found is None:
            found = self._last_open(kind, index, id_)
        if found is None or found.kind != kind:
            return None
        self._learn(found, index, id_)
        return found

    def _last_open(self, kind: str, index: int | None, id_: str | None) -> Item | None:
        """Return the last item, if it is open, of this kind, and not known to be another."""
        last = self._items[-1] if self._items else None
        if last is None or last.done or last.kind != kind:
            return None
        if _differ(index, last.index) or (index is None and _differ(id_, last.id)):
            return None
        return last

    def _add(self, kind: str, index: int | None, id_: str | None) -> Item:
        if len(self._items) >= MAX_PARTS:
            raise too_many_blocks()
        item = Item(kind)
        self._items.append(item)
        self._learn(item, index, id_)
        return item

    def _learn(self, item: Item, index: int | None, id_: str | None) -> None:
        """Note the position and the id of an item; those of its first events hold."""
        if index is not None and item.index is None:
            item.index = index
            self._by_index[index] = item
        if id_ is not None and item.id is None:
            item.id = id_
            self._by_id[id_] = item


def kind_of(given: Json) -> str:
    """Return the type of an item; a message may lack it."""
    return name_in(given, "type") or MESSAGE


def index_in(event: Json) -> int | None:
    """Return the position of an event's item, if the server gives one."""
    value = event.get("output_index")
    return value if type(value) is int and value >= 0 else None


def _differ(one: Any, other: Any) -> bool:
    """Return whether both are known and not the same."""
    return one is not None and other is not None and one != other
