"""Read the deltas of the content blocks that a stream of Bedrock's Converse has open.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from chatd.canonical.content import Thinking
from chatd.canonical.events import Delta, ToolCallDelta
from chatd.canonical.extra import Json
from chatd.canonical.response import new_call_id
from chatd.dialects.bedrock_converse import reading
from chatd.dialects.json_shapes import ShapeError, member, name_in, text_in
from chatd.errors import AnswerTooLargeError

_MAX_REDACTED_CHARACTERS = 8 * 1024 * 1024
_OF_TEXT = frozenset({"text", "citation"})
_OTHER = frozenset({"image", "toolResult"})


class Positions:
    """Tracks the block that was added to last, and the number of tool calls.

    An addition to another block than the last one begins a block of the canonical form.

    Attributes:
        calls: The number of tool calls so far.
        redacted: Characters of redacted thinking so far.

    """

    def __init__(self) -> None:
        self._latest: object = None
        self.calls = 0
        self.redacted = 0

    def begins(self, block: object) -> bool:
        """Note an addition to a block; return whether the block changed."""
        begins, self._latest = block is not self._latest, block
        return begins


class OpenText:
    """An open block of text, with or without citations."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    def start(self) -> Delta | None:
        """Return None: a text begins with its first piece."""
        return None

    def add(self, delta: Json) -> Delta | None:
        """Read a piece of text; a citation gives no delta."""
        if not _OF_TEXT & delta.keys():
            raise ShapeError
        text = text_in(delta, "text")
        return Delta(content=text, begins=self._positions.begins(self)) if text else None

    def stop(self) -> Delta | None:
        """Return None: all of the text is written."""
        return None


class OpenThinking:
    """An open block of reasoning; the end of the block gives its redacted content."""

    def __init__(self, positions: Positions) -> None:
        self._positions = positions
        self._redacted: list[str] = []

    def start(self) -> Delta | None:
        """Return None: thinking begins with its first piece."""
        return None

    def add(self, delta: Json) -> Delta | None:
        """Read a piece of reasoning, its signature, or a piece of redacted content.

        Raises:
            ShapeError: If the delta has another kind.
            AnswerTooLargeError: If all redacted content has more than 8 M characters.

        """
        if delta.get("reasoningContent") is None:
            raise ShapeError
        given = member(delta, "reasoningContent")
        text, signature = text_in(given, "text"), text_in(given, "signature")
        if redacted := text_in(given, "redactedContent"):
            self._positions.redacted += len(redacted)
            if self._positions.redacted > _MAX_REDACTED_CHARACTERS:
                raise AnswerTooLargeError(
                    f"the answer's redacted thinking has more than {_MAX_REDACTED_CHARACTERS:,}"
                    " characters"
                )
            self._redacted.append(redacted)
        if not (text or signature):
            return None
        begins = self._positions.begins(self)
        return Delta(thinking=text or None, signature=signature or None, begins=begins)

    def stop(self) -> Delta | None:
        """Return the redacted content, joined from pieces in base64."""
        if not self._redacted:
            return None
        self._positions.begins(self)
        return Delta(blocks=(Thinking(redacted=_joined(self._redacted)),))


class OpenCall:
    """An open tool call; its arguments come in pieces."""

    def __init__(self, given: Json, positions: Positions) -> None:
        self._given = given
        self._number = positions.calls
        self._begun = False
        positions.calls += 1
        positions.begins(self)

    def start(self) -> Delta | None:
        """Read the call's id and name."""
        id_ = name_in(self._given, "toolUseId") or new_call_id()
        piece = ToolCallDelta(self._number, id_, name_in(self._given, "name") or "")
        return Delta(tool_calls=(piece,))

    def add(self, delta: Json) -> Delta | None:
        """Read a piece of the arguments.

        Raises:
            ShapeError: If it is a piece of something else.

        """
        if delta.get("toolUse") is None:
            raise ShapeError
        return self._piece(text_in(member(delta, "toolUse"), "input"))

    def stop(self) -> Delta | None:
        """Return the arguments of a call without pieces."""
        return None if self._begun else self._piece("{}")

    def _piece(self, text: str) -> Delta | None:
        if not text:
            return None
        self._begun = True
        return Delta(tool_calls=(ToolCallDelta(self._number, arguments=text),))


class Ignored:
    """An open block that the canonical form lacks: an image, or a result of Bedrock's tools."""

    def start(self) -> Delta | None:
        """Return None."""
        return None

    def add(self, _delta: Json) -> Delta | None:
        """Return None."""
        return None

    def stop(self) -> Delta | None:
        """Return None."""
        return None


OpenBlock = OpenText | OpenThinking | OpenCall | Ignored


def begun(start: Json, positions: Positions) -> OpenBlock | None:
    """Open the block of a `contentBlockStart` event; None if only the first delta names the kind.

    Raises:
        ShapeError: If its tool call is no object.

    """
    if start.get("toolUse") is not None:
        call = member(start, "toolUse")
        return Ignored() if reading.is_of_server(call) else OpenCall(call, positions)
    return Ignored() if _OTHER & start.keys() else None


def open_by_delta(delta: Json, positions: Positions) -> OpenBlock:
    """Open the block of a first delta without a start.

    Raises:
        ShapeError: If it is a piece of a tool call, whose name is not known.

    """
    if delta.get("toolUse") is not None:
        raise ShapeError
    if delta.get("reasoningContent") is not None:
        return OpenThinking(positions)
    return OpenText(positions) if _OF_TEXT & delta.keys() else Ignored()


def _joined(pieces: list[str]) -> str:
    """Join pieces that are each in base64.

    Raises:
        ShapeError: If one of several is not.

    """
    if len(pieces) == 1:
        return pieces[0]
    try:
        return b64encode(b"".join(map(b64decode, pieces))).decode()
    except ValueError:
        raise ShapeError from None
