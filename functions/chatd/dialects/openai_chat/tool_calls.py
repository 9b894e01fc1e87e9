"""Number the tool calls of a streamed choice, by index, id or name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from chatd.canonical.events import ToolCallDelta
from chatd.canonical.extra import Json
from chatd.canonical.response import new_call_id, too_many_calls
from chatd.dialects.json_shapes import member, name_in
from chatd.dialects.openai_chat import reading
from chatd.safe_json.item_limits import MAX_TOOL_CALLS

_SIGNS = re.compile(r'\\.?|["{}]', re.DOTALL)


class Calls:
    """Numbers the tool calls of a streamed choice; takes the id and name of each once.

    A server may leave out `index` (Google's and others), give the same to several calls, or repeat
    the name in every piece (llama-cpp-python): https://github.com/abetlen/llama-cpp-python.
    """

    def __init__(self) -> None:
        self._begun: list[_Begun] = []
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str, int] = {}

    def read(self, piece: Json) -> ToolCallDelta:
        """Read a piece of a call; the first piece has the id, generated if the server gives none.

        Raises:
            AnswerTooLargeError: If the choice has more than 1,024 calls.
            ShapeError: If it is no piece of a call.

        """
        kind = name_in(piece, "type")
        index, id_ = piece.get("index"), name_in(piece, "id")
        index = index if type(index) is int else None
        inner = member(piece, kind or _kind_of(piece))
        name = name_in(inner, "name")
        number = self._number(index, id_, name)
        if number is None:
            number = len(self._begun)
            if number >= MAX_TOOL_CALLS:
                raise too_many_calls()
            self._begun.append(_Begun(kind or _kind_of(piece)))
        if index is not None:
            self._by_index[index] = number
        call = self._begun[number]
        new_id = None if call.id else id_ or new_call_id()
        new_name = None if call.name else name
        call.id = call.id or new_id or ""
        call.given_id = call.given_id or id_
        if id_:
            self._by_id.setdefault(id_, number)
        call.name = call.name or new_name
        arguments = reading.arguments(inner, call.kind)
        if index is None:
            call.arguments.add(arguments)
        extra = reading.call_extra(piece, call.kind, inner)
        return ToolCallDelta(number, new_id, new_name, arguments, call.kind, extra)

    def _number(self, index: int | None, id_: str | None, name: str | None) -> int | None:
        """Return the number of the piece's call; None for the first piece of a call."""
        if index is not None:
            number = self._by_index.get(index)
            if number is None:
                return None
            known = self._begun[number].given_id
            another = bool(name and id_ and known and id_ != known)
            return None if another else number
        if id_:
            return self._by_id.get(id_)
        if not self._begun:
            return None
        last = self._begun[-1]
        another = bool(name and last.name and (name != last.name or last.arguments.whole))
        return None if another else len(self._begun) - 1


def _kind_of(piece: Json) -> str:
    """Return the kind of a call without a type, by its inner object."""
    return "custom" if "custom" in piece and "function" not in piece else "function"


class _Arguments:
    """Counts the braces of a call's arguments; reads each character once."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_text = False
        self._escaped = False
        self._begun = False

    @property
    def whole(self) -> bool:
        """Whether the arguments are a complete JSON object; a name then begins a call."""
        return self._begun and self._depth <= 0 and not self._in_text

    def add(self, piece: str) -> None:
        """Add a piece."""
        start = 1 if self._escaped and piece else 0
        self._escaped = self._escaped and not piece
        for match in _SIGNS.finditer(piece, start):
            sign = match[0]
            if sign == '"':
                self._in_text = not self._in_text
            elif sign[0] == "\\":
                self._escaped = len(sign) == 1  # what it escapes is in the next piece
            elif not self._in_text:
                self._begun = True
                self._depth += 1 if sign == "{" else -1


@dataclass(slots=True)
class _Begun:
    """A tool call with a first piece. Braces are counted only for pieces without an index."""

    kind: str
    id: str = ""
    given_id: str | None = None
    name: str | None = None
    arguments: _Arguments = field(default_factory=_Arguments)
