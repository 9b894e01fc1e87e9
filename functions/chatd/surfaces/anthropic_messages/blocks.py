"""Write the events of content blocks: one block after another, numbered from 0.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json, to_json

from chatd.canonical.content import ToolCall
from chatd.canonical.events import ToolCallDelta
from chatd.canonical.extra import Json, fields_for
from chatd.canonical.response import too_many_calls
from chatd.safe_json.item_limits import MAX_TOOL_CALLS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES, is_bounded
from chatd.surfaces import sse
from chatd.surfaces.anthropic_messages.message import CallIds, tool_input
from chatd.surfaces.anthropic_messages.turns import DIALECT

# The empty block of each kind that deltas extend.
_EMPTY: dict[str, Json] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class Blocks:
    """Numbers the blocks of one message and writes their events.

    Attributes:
        written: The events that were written and not yet taken.

    """

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self._next = 0
        self._open: dict[int, str] = {}

    def current(self, kind: str) -> int | None:
        """Return the number of the last open block if it is of this kind."""
        if not self._open:
            return None
        index = next(reversed(self._open))
        return index if self._open[index] == kind else None

    def begin(self, kind: str, block: Json | None = None) -> int:
        """Close the open blocks and begin one; return its number.

        Args:
            kind: The kind, which decides which later pieces extend it.
            block: Its first JSON; None for the empty block of the kind.

        """
        self.close()
        body = {
            "type": "content_block_start",
            "index": self._next,
            "content_block": block or _EMPTY[kind],
        }
        return self.forward_start(kind, body)

    def forward_start(self, kind: str, body: dict[str, Any]) -> int:
        """Number and write the first event of a block."""
        index = self._next
        self._next += 1
        self._open[index] = kind
        body["index"] = index
        self.written.append(sse.event(body, "content_block_start"))
        return index

    def add(self, index: int, delta: Json) -> None:
        """Write a delta of a block."""
        body = {"type": "content_block_delta", "index": index, "delta": delta}
        self.written.append(sse.event(body, "content_block_delta"))

    def forward_stop(self, index: int, body: dict[str, Any]) -> None:
        """Write an event that ends a block, unless the block has ended."""
        if self._open.pop(index, None) is not None:
            body["index"] = index
            self.written.append(sse.event(body, "content_block_stop"))

    def close(self) -> None:
        """End all open blocks."""
        for index in list(self._open):
            self.forward_stop(index, {"type": "content_block_stop"})


class ToolCalls:
    """Writes tool calls as blocks; an open call must end before another block begins.

    Providers of other dialects may send pieces of several calls in turn. A piece of a later call
    waits until the JSON of the open one is complete, or until the answer ends.

    Args:
        blocks: Writes the blocks.

    """

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self._calls: dict[int, _Call] = {}
        self._waiting: list[_Call] = []
        self._open: _Call | None = None
        self._ids = CallIds()

    @property
    def any(self) -> bool:
        """Whether the answer holds a call."""
        return bool(self._calls)

    @property
    def is_cut(self) -> bool:
        """Whether the open call has incomplete JSON; a call with complete JSON ends first."""
        if self._open is not None and self._open.is_complete():
            self.end()
        return self._open is not None

    def add(self, piece: ToolCallDelta) -> None:
        """Write a piece of a call, or keep it until the open call has ended.

        Raises:
            AnswerTooLargeError: If the answer has more than 1,024 calls.

        """
        call = self._calls.get(piece.index)
        if call is None:
            if len(self._calls) == MAX_TOOL_CALLS:
                raise too_many_calls()
            call = self._calls[piece.index] = _Call(piece)
            if self._open is not None and self._open.is_complete():
                self._end_open()
            self._waiting.append(call)
        call.pieces.append(piece.arguments)
        if self._open is None:
            self._begin_next()
        elif call is self._open and piece.arguments:
            self._write(call, piece.arguments)

    def end(self) -> None:
        """Write what is waiting, and end every call."""
        while self._open is not None or self._waiting:
            if self._open is None:
                self._begin_next()
            self._end_open()

    def _begin_next(self) -> None:
        """Begin the block of the next call, with its pieces up to now."""
        if not self._waiting:
            return
        call = self._open = self._waiting.pop(0)
        block = {**call.fields, "type": "tool_use", "id": self._ids.fit(call.id)}
        call.block = self._blocks.begin("tool_use", {**block, "name": call.name, "input": {}})
        if arguments := "".join(call.pieces):
            self._write(call, arguments)

    def _write(self, call: _Call, arguments: str) -> None:
        if call.kind == "function":  # the text of a custom call is written as JSON at its end
            delta = {"type": "input_json_delta", "partial_json": arguments}
            self._blocks.add(call.block, delta)

    def _end_open(self) -> None:
        call, self._open = self._open, None
        if call is not None and call.kind == "custom":
            found = ToolCall("", call.name, "".join(call.pieces), "custom")
            partial = to_json(tool_input(found)).decode()
            self._blocks.add(call.block, {"type": "input_json_delta", "partial_json": partial})
        self._blocks.close()


class _Call:
    """A call in the making."""

    __slots__ = ("block", "fields", "id", "kind", "name", "pieces")

    def __init__(self, piece: ToolCallDelta) -> None:
        self.id, self.name, self.kind = piece.id, piece.name or "", piece.kind
        self.fields = fields_for(DIALECT, piece.extra)
        self.pieces: list[str] = []
        self.block = -1

    def is_complete(self) -> bool:
        """Whether the arguments up to now are a JSON object."""
        arguments = "".join(self.pieces)
        if not arguments.rstrip().endswith("}"):
            return False
        if not is_bounded(arguments.encode("utf-8", "surrogatepass"), MAX_ANSWER_VALUES):
            return False
        try:
            return type(from_json(arguments)) is dict
        except ValueError:
            return False
