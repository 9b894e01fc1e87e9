"""Stream events of the canonical form, and frames: the events of one upstream event.

A dialect yields a frame for each event of the upstream's stream, and a surface writes frames. Each
frame holds canonical events, and the upstream's own JSON until something changes the events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from chatd.canonical.content import Block, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra
from chatd.canonical.response import Choice, FailedOver, Response, UpstreamJson, Usage

_LONGEST_PIECE = 64 * 1024  # characters


@dataclass(slots=True, eq=False)
class ToolCallDelta:
    """A piece of a tool call.

    Attributes:
        index: The number of the call in its choice, from 0.
        id: The call's id, in its first piece only.
        name: The tool's name, in its first piece only.
        arguments: A piece of the arguments' text.
        kind: The kind of the call, as ToolCall has it.
        extra: Unnamed fields of the piece.
        namespace: The namespace of the tool, in its first piece only.

    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = field(default="", repr=False)
    kind: str = "function"
    extra: Extra | None = field(default=None, repr=False)
    namespace: str | None = None


@dataclass(slots=True, eq=False)
class Delta:
    """An addition to a choice.

    A text or a piece of thinking extends the last block if that is of its kind, and begins a block
    otherwise. Within one delta thinking comes first, then text, tool calls and whole blocks.

    Attributes:
        index: The number of the choice, from 0.
        content: A piece of text.
        thinking: A piece of readable reasoning.
        signature: The provider's signature over the last block of thinking.
        tool_calls: Pieces of tool calls.
        blocks: Whole blocks, such as redacted thinking.
        begins: Whether a text or thinking begins a block, also after one of its kind.
        logprobs: Log probabilities of the piece's tokens.
        extra: Unnamed fields of the choice; fields of its message are nested as `message`, and
            fields of the current text or thinking as `block`.
        refusal: A piece of the model's refusal; comes after the text.

    """

    index: int = 0
    content: str | None = field(default=None, repr=False)
    thinking: str | None = field(default=None, repr=False)
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: Any = field(default=None, repr=False)
    extra: Extra | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)
    blocks: tuple[Block, ...] = field(default=(), repr=False)
    begins: bool = False
    refusal: str | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Finish:
    """The end of a choice.

    Attributes:
        index: The number of the choice.
        reason: The finish reason.
        extra: Unnamed fields of the choice.
        stop_sequence: The sequence that ended it, for the reason `stop_sequence`.

    """

    index: int
    reason: str
    extra: Extra | None = field(default=None, repr=False)
    stop_sequence: str | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Head:
    """Fields of the response as a whole.

    Attributes:
        id: The provider's id of the response.
        extra: Unnamed fields, such as `system_fingerprint`.

    """

    id: str | None = None
    extra: Extra | None = field(default=None, repr=False)


@dataclass(slots=True, eq=False)
class Counted:
    """The tokens of the response so far, and the provider's name of the model."""

    usage: Usage
    model: str | None = None


@dataclass(slots=True, eq=False)
class End:
    """The response is complete; later frames hold figures for the record alone."""


Event = Delta | Finish | Head | Counted | FailedOver | End


@dataclass(slots=True, eq=False)
class Frame:
    """One event of an upstream's stream.

    Attributes:
        events: Its canonical events.
        source: The upstream's own JSON of the event; None where the events differ from it.
        whole: The whole response, in the last frame of a response that came whole.

    """

    events: tuple[Event, ...]
    source: UpstreamJson | None = field(default=None, repr=False)
    whole: Response | None = field(default=None, repr=False)


def as_frames(response: Response) -> Iterator[Frame]:
    """Write a whole response as a stream; a choice without a finish reason ends with `stop`.

    A text of more than 64 K characters is split into several frames: a surface writes each piece as
    JSON, which takes several times its memory.
    """
    if not all(choice.finish_reason for choice in response.choices):
        choices = [
            replace(one, finish_reason=one.finish_reason or "stop") for one in response.choices
        ]
        response = replace(response, choices=tuple(choices))
    events: list[Event] = [Head(response.id, response.extra)]
    for index, choice in enumerate(response.choices):
        for delta in _deltas(index, choice):
            events.append(delta)
            if delta.content and len(delta.content) == _LONGEST_PIECE:
                yield Frame(tuple(events))
                events = []
        reason = choice.finish_reason or "stop"
        events.append(Finish(index, reason, stop_sequence=choice.stop_sequence))
    yield Frame((*events, Counted(response.usage, response.model), End()), whole=response)


def recounted(frame: Frame, counted: Counted) -> Frame:
    """Replace the usage event of a frame, or add one before the end event."""
    events: list[Event] = [event for event in frame.events if not isinstance(event, Counted)]
    before_end = len(events) - bool(events and isinstance(events[-1], End))
    events.insert(before_end, counted)
    whole = frame.whole and replace(frame.whole, usage=counted.usage)
    return Frame(tuple(events), whole=whole)


def _deltas(index: int, choice: Choice) -> Iterator[Delta]:
    """Write each block of a choice as deltas; the first delta has the fields of the choice."""
    logprobs, extra = choice.logprobs, choice.extra
    calls = 0
    for block in choice.blocks:
        delta = Delta(index, logprobs=logprobs, extra=extra, begins=True)
        logprobs = extra = None
        text = ""
        fields = block.extra
        if isinstance(block, Text):
            text = block.text
            delta.content = text[:_LONGEST_PIECE]
        elif isinstance(block, Thinking) and block.redacted is None:
            delta.thinking, delta.signature = block.text, block.signature
        elif isinstance(block, Refusal) and block.extra is None:
            delta.refusal = block.text
        elif isinstance(block, ToolCall):
            delta.tool_calls = (_piece(calls, block),)
            calls += 1
            fields = None
        else:
            delta.blocks = (block,)
            fields = None
        yield delta
        for start in range(_LONGEST_PIECE, len(text), _LONGEST_PIECE):
            yield Delta(index, text[start : start + _LONGEST_PIECE])
        if fields is not None:
            yield Delta(index, extra=Extra(fields.dialect, {}, {"block": fields.fields}))
    if extra is not None or logprobs is not None:
        yield Delta(index, logprobs=logprobs, extra=extra)


def _piece(number: int, call: ToolCall) -> ToolCallDelta:
    return ToolCallDelta(
        number, call.id, call.name, call.arguments, call.kind, call.extra, call.namespace
    )
