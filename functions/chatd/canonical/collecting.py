"""Collect the frames of a stream into a whole response."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from chatd.canonical.content import Block, Refusal, Text, Thinking, ToolCall
from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head, ToolCallDelta
from chatd.canonical.extra import Extra, Json
from chatd.canonical.json_accumulator import Accumulator
from chatd.canonical.response import (
    Choice,
    FailedOver,
    Response,
    Usage,
    new_call_id,
    too_many_blocks,
    too_many_calls,
    too_many_values,
    values_in,
)
from chatd.safe_json.item_limits import MAX_PARTS, MAX_TOOL_CALLS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES


def collected(frames: Iterator[Frame]) -> Response:
    """Collect a stream into a whole response.

    Raises:
        AnswerTooLargeError: If its log probabilities and unnamed fields hold more than 600,000
            JSON values, or a choice has more than 1,024 tool calls or 10,000 blocks.
        ChatdError: If the stream breaks off.

    """
    response = _Response()
    whole: Response | None = None
    for frame in frames:
        whole = frame.whole
        for event in frame.events if whole is None else ():
            response.add(event)
    if whole is None:
        return response.whole()
    return replace(whole, failovers=response.failovers) if response.failovers else whole


class _Response:
    """A response in the making."""

    def __init__(self) -> None:
        self.failovers: tuple[FailedOver, ...] = ()
        self._values = 0
        self._choices: dict[int, _Choice] = {}
        self._counted = Counted(Usage())
        self._id: str | None = None
        self._extra = _Fields()

    def add(self, event: Event) -> None:
        match event:
            case Delta():
                self._count(event.logprobs, event.extra)
                for call in event.tool_calls:
                    self._count(None, call.extra)
                self._choice(event.index).add(event)
            case Finish():
                self._count(None, event.extra)
                self._choice(event.index).finish(event)
            case Head():
                self._count(None, event.extra)
                self._id = self._id or event.id
                self._extra.add(event.extra)
            case Counted():
                self._counted = event
            case FailedOver():
                self.failovers = (*self.failovers, event)
                if event.anew:
                    self._choices.clear()
                    self._id, self._extra = None, _Fields()
            case End():
                pass

    def whole(self) -> Response:
        return Response(
            tuple(self._choices[index].whole() for index in sorted(self._choices)),
            self._counted.usage,
            self._counted.model,
            self.failovers,
            self._id,
            self._extra.whole(),
        )

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def _count(self, logprobs: Any, extra: Extra | None) -> None:
        """Count JSON values, which take more memory than their text."""
        if logprobs is None and extra is None:
            return
        self._values += values_in(logprobs)
        if extra is not None:
            self._values += values_in(extra.fields) + values_in(extra.nested)
        if self._values > MAX_ANSWER_VALUES:
            raise too_many_values()


class _Choice:
    """A choice in the making."""

    def __init__(self) -> None:
        self._blocks: list[_Text | _Thinking | _Call | Block] = []
        self._calls: dict[int, _Call] = {}
        self._logprobs = Accumulator()
        self._extra = _Fields()
        self._reason: str | None = None
        self._stop_sequence: str | None = None

    def add(self, delta: Delta) -> None:
        last = None if delta.begins or not self._blocks else self._blocks[-1]
        if delta.thinking or delta.signature:
            if not isinstance(last, _Thinking):
                last = _Thinking()
                self._append(last)
            last.add(delta)
        if delta.content:
            if type(last) is not _Text:
                last = _Text()
                self._append(last)
            last.pieces.append(delta.content)
        if delta.refusal:
            if not isinstance(last, _Refusal):
                last = _Refusal()
                self._append(last)
            last.pieces.append(delta.refusal)
        for piece in delta.tool_calls:
            self._call(piece.index).add(piece)
        for block in delta.blocks:
            self._append(block)
        self._logprobs.add(delta.logprobs)
        if delta.extra is not None:
            self._extra.add(delta.extra)
            self._add_to_block(delta, delta.extra)

    def finish(self, event: Finish) -> None:
        self._reason, self._stop_sequence = event.reason, event.stop_sequence
        self._extra.add(event.extra)

    def whole(self) -> Choice:
        calls = iter(sorted(self._calls))
        blocks = tuple(
            self._calls[next(calls)].whole()
            if isinstance(block, _Call)
            else block.whole()
            if isinstance(block, _Text | _Thinking)
            else block
            for block in self._blocks
        )
        return Choice(
            blocks,
            self._reason,
            self._logprobs.value(),
            self._extra.whole(),
            self._stop_sequence,
        )

    def _call(self, index: int) -> _Call:
        call = self._calls.get(index)
        if call is None:
            if len(self._calls) == MAX_TOOL_CALLS:
                raise too_many_calls()
            call = self._calls[index] = _Call()
            self._append(call)
        return call

    def _add_to_block(self, delta: Delta, extra: Extra) -> None:
        """Add the unnamed fields of the delta's text or thinking."""
        fields = extra.nested.get("block")
        if not fields:
            return
        if delta.begins and not (delta.content or delta.thinking or delta.signature):
            self._append(_Text())
        if self._blocks and isinstance(latest := self._blocks[-1], _Text | _Thinking):
            latest.extra.add(extra.dialect, fields)

    def _append(self, block: _Text | _Thinking | _Call | Block) -> None:
        if len(self._blocks) == MAX_PARTS:
            raise too_many_blocks()
        self._blocks.append(block)


class _BlockFields:
    """The unnamed fields of a text or thinking, in the making: its lists and texts grow."""

    __slots__ = ("_dialect", "_fields")

    def __init__(self) -> None:
        self._dialect: str | None = None
        self._fields = Accumulator()

    def add(self, dialect: str, fields: Json) -> None:
        self._dialect = dialect
        self._fields.add(fields)

    def whole(self) -> Extra | None:
        return None if self._dialect is None else Extra(self._dialect, self._fields.value())


class _Text:
    """A text in the making."""

    __slots__ = ("extra", "pieces")

    def __init__(self) -> None:
        self.extra = _BlockFields()
        self.pieces: list[str] = []

    def whole(self) -> Text | Refusal:
        return Text("".join(self.pieces), self.extra.whole())


class _Refusal(_Text):
    """A refusal in the making."""

    __slots__ = ()

    def whole(self) -> Refusal:
        return Refusal("".join(self.pieces), self.extra.whole())


class _Thinking:
    """A block of thinking in the making."""

    __slots__ = ("_pieces", "_signature", "extra")

    def __init__(self) -> None:
        self.extra = _BlockFields()
        self._pieces: list[str] = []
        self._signature: str | None = None

    def add(self, delta: Delta) -> None:
        self._pieces.append(delta.thinking or "")
        self._signature = delta.signature or self._signature

    def whole(self) -> Thinking:
        return Thinking("".join(self._pieces), self._signature, extra=self.extra.whole())


class _Call:
    """A tool call in the making."""

    __slots__ = ("_arguments", "_extra", "_id", "_kind", "_name", "_namespace")

    def __init__(self) -> None:
        self._id: str | None = None
        self._name: str | None = None
        self._namespace: str | None = None
        self._kind = "function"
        self._arguments: list[str] = []
        self._extra = _Fields()

    def add(self, piece: ToolCallDelta) -> None:
        self._id = self._id or piece.id
        self._name = self._name or piece.name
        self._namespace = self._namespace or piece.namespace
        self._kind = piece.kind
        self._arguments.append(piece.arguments)
        self._extra.add(piece.extra)

    def whole(self) -> ToolCall:
        arguments = "".join(self._arguments)
        return ToolCall(
            id=self._id or new_call_id(),
            name=self._name or "",
            arguments=arguments or ("{}" if self._kind == "function" else ""),
            kind=self._kind,
            extra=self._extra.whole(),
            namespace=self._namespace,
        )


class _Fields:
    """Unnamed fields in the making.

    A stream repeats the fields of a response, a choice and a tool call, so that the last value
    counts. It sends the fields of a message piece by piece.
    """

    __slots__ = ("_dialect", "_fields", "_message", "_nested")

    def __init__(self) -> None:
        self._dialect: str | None = None
        self._fields: dict[str, Any] = {}
        self._nested: dict[str, dict[str, Any]] = {}
        self._message = Accumulator()

    def add(self, extra: Extra | None) -> None:
        if extra is None or (not extra.fields and extra.nested.keys() == {"block"}):
            return
        self._dialect = extra.dialect
        _update(self._fields, extra.fields)
        for name, fields in extra.nested.items():
            if name == "message":
                self._message.add(fields)
            elif name != "block":
                _update(self._nested.setdefault(name, {}), fields)

    def whole(self) -> Extra | None:
        if self._dialect is None:
            return None
        message = self._message.value()
        nested = self._nested if message is None else {**self._nested, "message": message}
        return Extra(self._dialect, self._fields, nested)


def _update(fields: dict[str, Any], later: Json) -> None:
    """Add fields; a null replaces no value."""
    for name, value in later.items():
        if value is not None or name not in fields:
            fields[name] = value
