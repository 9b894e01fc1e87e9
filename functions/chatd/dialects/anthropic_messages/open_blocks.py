"""Read the deltas of the content blocks that a stream of Anthropic's Messages has open.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from chatd.canonical.content import Thinking
from chatd.canonical.events import Delta, ToolCallDelta
from chatd.canonical.extra import Extra, Json
from chatd.canonical.json_accumulator import Accumulator
from chatd.canonical.response import new_call_id, too_many_values, values_in
from chatd.dialects.anthropic_messages import reading
from chatd.dialects.anthropic_messages.reading import DIALECT
from chatd.dialects.framing import bounded
from chatd.dialects.json_shapes import ShapeError, lenient_text, name_in, text_in
from chatd.errors import AnswerTooLargeError
from chatd.safe_json.value_count import MAX_ANSWER_VALUES

# All opaque blocks of an answer together: their pieces are kept until the end of the answer.
_MAX_OPAQUE_CHARACTERS = 8 * 1024 * 1024


class Positions:
    """Tracks the block that was added to last, and the number of tool calls.

    Two blocks can be open at once. An addition to another block than the last one begins a block of
    the canonical form.
    """

    def __init__(self) -> None:
        self._latest: object = None
        self.calls = 0

    def begins(self, block: object) -> bool:
        """Note an addition to a block; return whether it follows one to another block."""
        begins, self._latest = block is not self._latest, block
        return begins


class OpenText:
    """An open block of text or of thinking."""

    def __init__(self, given: Json, positions: Positions) -> None:
        self._given = given
        self._positions = positions
        named = reading.THINKING if given["type"] == "thinking" else reading.TEXT
        # The further fields of the start come with the first text, of which they are a part.
        self._further = reading.further_of(given, named)

    def start(self) -> Delta | None:
        """Read the text that a server gives at once."""
        text = text_in(self._given, "text")
        thinking = text_in(self._given, "thinking")
        signature = lenient_text(self._given, "signature")
        if not (text or thinking or signature):
            return None
        return self._delta(content=text or None, thinking=thinking or None, signature=signature)

    def add(self, delta: Json) -> Delta | None:
        """Read a piece of text or thinking, a signature, a citation, or an unknown delta."""
        kind = delta.get("type")
        if kind == "text_delta":
            text = text_in(delta, "text")
            return self._delta(content=text) if text else None
        if kind == "thinking_delta":
            text = text_in(delta, "thinking")
            return self._delta(thinking=text) if text else None
        if kind == "signature_delta":
            signature = text_in(delta, "signature")
            return self._delta(signature=signature) if signature else None
        if kind == "input_json_delta":
            raise ShapeError
        if kind == "citations_delta":
            return self._delta(extra=_of_block({"citations": [delta.get("citation")]}))
        return self._delta(extra=_of_block(_without_type(delta)))

    def stop(self) -> Delta | None:
        """Return the further fields of a block without content."""
        return None if self._further is None else self._delta()

    def _delta(self, **fields: Any) -> Delta:
        further, self._further = self._further, None
        if further is not None:
            given = fields.get("extra")
            more = given.nested["block"] if given else {}
            fields["extra"] = _of_block({**further.fields, **more})
        return Delta(begins=self._positions.begins(self), **fields)


class OpenCall:
    """An open tool call; its arguments come in pieces, or whole in its start."""

    def __init__(self, given: Json, positions: Positions) -> None:
        self._given = given
        self._number = positions.calls
        self._begun = False
        positions.calls += 1
        positions.begins(self)

    def start(self) -> Delta | None:
        """Read the call's id and name."""
        piece = ToolCallDelta(
            self._number,
            name_in(self._given, "id") or new_call_id(),
            name_in(self._given, "name") or "",
            extra=reading.further_of(self._given, reading.TOOL_USE),
        )
        return Delta(tool_calls=(piece,))

    def add(self, delta: Json) -> Delta | None:
        """Read a piece of the arguments."""
        if delta.get("type") != "input_json_delta":
            raise ShapeError
        return self._piece(text_in(delta, "partial_json"))

    def stop(self) -> Delta | None:
        """Return the arguments of a call without pieces."""
        if self._begun:
            return None
        return self._piece(reading.arguments(self._given.get("input")) or "{}")

    def _piece(self, text: str) -> Delta | None:
        if not text:
            return None
        self._begun = True
        return Delta(tool_calls=(ToolCallDelta(self._number, arguments=text),))


class OpaqueSize:
    """Limits the opaque blocks of an answer, which are kept until its end."""

    def __init__(self) -> None:
        self._characters = 0
        self._values = 0

    def add(self, fields: Json) -> None:
        """Count the fields of a start or a delta.

        Raises:
            AnswerTooLargeError: If all of them hold more than 8 M characters or 600,000 values.

        """
        self._values += values_in(fields)
        if self._values > MAX_ANSWER_VALUES:
            raise too_many_values()
        self._characters += sum(len(text) for text in fields.values() if type(text) is str)
        if self._characters > _MAX_OPAQUE_CHARACTERS:
            raise AnswerTooLargeError(
                f"the answer's blocks of further kinds hold more than {_MAX_OPAQUE_CHARACTERS:,}"
                " characters"
            )


class OpenOpaque:
    """An open block of another type, such as `server_tool_use` or redacted thinking.

    The block is a part of the answer from its start on, and later deltas add to it in place: a
    stream that breaks off within it must not be joined to another.
    """

    def __init__(self, given: dict[str, Any], positions: Positions, size: OpaqueSize) -> None:
        self._block = reading.block(given)
        self._size = size
        self._input: list[str] = []
        self._added: Accumulator | None = None
        self._size.add(given)
        positions.begins(self)

    def start(self) -> Delta | None:
        """Return the block of the start event."""
        return Delta(blocks=(self._block,))

    def add(self, delta: Json) -> Delta | None:
        """Keep a piece of the input, or the fields of any other delta."""
        self._size.add(delta)
        if delta.get("type") == "input_json_delta":
            self._input.append(text_in(delta, "partial_json"))
            return None
        if self._added is None:
            self._added = Accumulator()
            self._added.add(self._fields)
        self._added.add(_without_type(delta))
        return None

    def stop(self) -> Delta | None:
        """Add what the deltas brought to the block."""
        if isinstance(self._block, Thinking):
            return None
        fields = dict(self._fields)
        if self._added is not None:
            fields |= self._added.value()
        if given := "".join(self._input):
            fields["input"] = _parsed(given)
        if self._block.extra is not None:
            self._block.extra.fields = fields
        return None

    @property
    def _fields(self) -> Json:
        return self._block.extra.fields if self._block.extra is not None else {}


OpenBlock = OpenText | OpenCall | OpenOpaque


def open_block(given: dict[str, Any], positions: Positions, size: OpaqueSize) -> OpenBlock:
    """Open the content block of a start event.

    Raises:
        ShapeError: If it is none.

    """
    kind = reading.kind_of(given)
    if kind in ("text", "thinking"):
        return OpenText(given, positions)
    return OpenCall(given, positions) if kind == "tool_use" else OpenOpaque(given, positions, size)


def _parsed(text: str) -> Any:
    """Parse the input of an opaque block; a text that is no JSON stays as it is."""
    try:
        return from_json(bounded(text.encode("utf-8", "surrogatepass")))
    except ValueError:
        return text


def _of_block(fields: Json) -> Extra:
    """Tag further fields of the current block."""
    return Extra(DIALECT, {}, {"block": fields})


def _without_type(delta: Json) -> dict[str, Any]:
    return {name: value for name, value in delta.items() if name != "type"}
