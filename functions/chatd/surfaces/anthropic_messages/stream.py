"""Write the events of a stream of Anthropic's Messages surface.

A frame that came in this dialect is forwarded as the upstream's own JSON, with the maker's tag on
signatures and with blocks numbered anew after a failover. Any other is written from its events.
https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatd.canonical.content import Block, Opaque, Thinking
from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head
from chatd.canonical.extra import Json, fields_for
from chatd.canonical.maker import tagged
from chatd.canonical.response import FailedOver, Usage
from chatd.canonical.served import Served
from chatd.surfaces import sse
from chatd.surfaces.anthropic_messages.blocks import Blocks, ToolCalls
from chatd.surfaces.anthropic_messages.message import (
    WRITTEN_CALLS,
    maker,
    own_id,
    stop_reason,
    text,
    with_maker,
    written_block,
)
from chatd.surfaces.anthropic_messages.turns import DIALECT
from chatd.surfaces.anthropic_messages.usage import own, usage

END = b"event: message_stop\n"
_ID = "msg_"
# Further fields that stand beside the stop reason; others stand beside the tokens.
_OF_DELTA = ("stop_details", "container")
_THINKING_DELTAS = ("thinking_delta", "signature_delta")


class MessageEvents:
    """Writes the events of one stream.

    Args:
        served: The provider and model that answer.
        name: The model by the caller's name, as in a whole message.

    """

    def __init__(self, served: Served, name: str) -> None:
        self._served = served
        self._name = name
        self._usage = Usage()
        self._id: str | None = None
        self._finish: Finish | None = None
        # Unnamed fields for the first event, and later for the one with the stop reason.
        self._fields: Json = {}
        self._begun = self._delta_sent = self._ended = self._refused = False
        self._blocks = Blocks()
        self._calls = ToolCalls(self._blocks)
        # Deltas besides tool calls that came within an unfinished call.
        self._held: list[Delta] = []
        # The number of a block by its number in the stream that is forwarded.
        self._numbers: dict[int, int] = {}

    def write(self, frame: Frame) -> list[bytes]:
        """Write a frame: the events before the end as one piece, and the end as another."""
        if self._ended:
            return []
        source = own(frame.source)
        if source is None:
            for event in frame.events:
                self._event(event)
        else:
            self._forward(source.body, frame.events)
        written, self._blocks.written = self._blocks.written, []
        if len(written) > 1:
            last = [written.pop()] if written[-1].startswith(END) else []
            return [b"".join(written), *last]
        return written

    def _event(self, event: Event) -> None:
        match event:
            case Delta():
                if event.index == 0:
                    self._begin()
                    self._add(event)
            case Finish():
                if event.index == 0:
                    self._finish = event
            case Counted():
                self._usage = event.usage
            case Head():
                self._id = self._id or event.id
                self._fields = {**self._fields, **fields_for(DIALECT, event.extra)}
            case FailedOver():
                self._fail_over(event)
            case End():
                self._end({"type": "message_stop"})

    def _begin(self) -> None:
        """Write the event that begins the message, once."""
        if not self._begun:
            self._start({"type": "message_start", "message": dict(self._fields)})

    def _start(self, body: dict[str, Any]) -> None:
        """Complete the JSON of the first event and write it."""
        self._begun, self._fields = True, {}
        given = body["message"] if type(body.get("message")) is dict else {}
        served, own_form = self._served, (self._id or "").startswith(_ID)
        required = {
            "id": (self._id if own_form else None) or own_id(served),
            "type": "message",
            "role": "assistant",
            "model": self._name,
            "content": [],
            "usage": usage(self._usage),
        }
        message = {**required, "stop_reason": None, "stop_sequence": None, **given}
        message |= {name: value for name, value in required.items() if message[name] is None}
        message["model"] = self._name
        self._send("message_start", {**body, "message": message})

    def _add(self, delta: Delta) -> None:
        """Write a delta; what comes within an unfinished tool call is written after the calls."""
        if not delta.tool_calls or _has_more(delta):
            if self._held or self._calls.is_cut:
                self._held.append(delta)
            else:
                self._delta(delta)
        for piece in delta.tool_calls:
            if piece.kind in WRITTEN_CALLS:
                self._calls.add(piece)

    def _delta(self, delta: Delta) -> None:
        blocks = self._blocks
        if delta.thinking or delta.signature:
            index = self._block("thinking", begins=delta.begins)
            if delta.thinking:
                blocks.add(index, {"type": "thinking_delta", "thinking": delta.thinking})
            if delta.signature:
                blocks.add(index, self._signature(delta.signature))
        if delta.content:
            index = self._block("text", begins=delta.begins)
            blocks.add(index, {"type": "text_delta", "text": delta.content})
        if delta.refusal:
            self._refused = True
            index = self._block("refusal", begins=delta.begins)
            blocks.add(index, {"type": "text_delta", "text": delta.refusal})
        for block in delta.blocks:
            self._whole_block(block)

    def _block(self, kind: str, *, begins: bool) -> int:
        """Return the number of the open block of this kind, or of a new one."""
        index = None if begins else self._blocks.current(kind)
        if index is None:
            self._calls.end()
            empty = {"type": "text", "text": ""} if kind == "refusal" else None
            index = self._blocks.begin(kind, empty)
        return index

    def _signature(self, signature: str) -> dict[str, str]:
        signature = tagged(maker(self._served), signature)
        return {"type": "signature_delta", "signature": signature}

    def _whole_block(self, block: Block) -> None:
        """Write a whole block: a text as a delta, any other block within its first event."""
        written = written_block(block, maker(self._served))
        if written is None:
            return
        self._calls.end()
        if isinstance(block, Thinking | Opaque) or not (found := written.get("text")):
            self._blocks.begin("whole", written)
        else:
            index = self._blocks.begin("whole", {**written, "text": ""})
            self._blocks.add(index, {"type": "text_delta", "text": found})
        self._blocks.close()

    def _fail_over(self, event: FailedOver) -> None:
        self._served = self._served.after(event)
        self._numbers.clear()

    def _forward(self, body: dict[str, Any], events: Iterable[Event]) -> None:
        """Write the upstream's own event."""
        for event in events:
            if isinstance(event, Counted | Finish | Head):
                self._event(event)
        match body.get("type"):
            case "content_block_delta":
                self._forward_delta(body)
            case "content_block_start":
                self._begin()
                self._forward_start(body)
            case "content_block_stop":
                self._blocks.forward_stop(self._numbers.pop(_index(body), -1), body)
            case "message_start":
                if not self._begun:
                    self._start(body)
            case "message_delta":
                self._forward_message_delta(body)
            case "message_stop":
                self._end(body)
            case kind:
                self._send(text(kind), body)

    def _forward_start(self, body: dict[str, Any]) -> None:
        block = body["content_block"] if type(body.get("content_block")) is dict else {}
        body["content_block"] = with_maker(block, maker(self._served))
        index = _index(body)
        self._numbers[index] = self._blocks.forward_start(str(block.get("type")), body)

    def _forward_delta(self, body: dict[str, Any]) -> None:
        delta = body["delta"] if type(body.get("delta")) is dict else {}
        kind = str(delta.get("type"))
        index = _index(body)
        number = self._numbers.get(index)
        if number is None:  # after a failover, the text goes on in the open block
            self._begin()
            block = "thinking" if kind in _THINKING_DELTAS else "text"
            number = self._numbers[index] = self._block(block, begins=False)
        if kind == "signature_delta" and (signature := text(delta.get("signature"))):
            delta["signature"] = tagged(maker(self._served), signature)
        body["index"] = number
        self._send("content_block_delta", body)

    def _forward_message_delta(self, body: dict[str, Any]) -> None:
        self._begin()
        self._blocks.close()
        self._delta_sent = True
        if type(body.get("usage")) is not dict:
            body["usage"] = usage(self._usage)
        if self._served.rescued is not None:
            body["rescued"] = self._served.rescued
        self._send("message_delta", body)

    def _end(self, body: dict[str, Any]) -> None:
        """Write the end: open blocks, the reason and the tokens, if that was not done."""
        self._begin()
        self._calls.end()
        for delta in self._held:
            self._delta(delta)
        self._blocks.close()
        if not self._delta_sent:
            self._message_delta()
        self._send("message_stop", body)
        self._ended = True

    def _message_delta(self) -> None:
        finish = self._finish or Finish(0, "stop")
        delta: dict[str, Any] = {
            "stop_reason": stop_reason(finish.reason, calls=self._calls.any, refused=self._refused),
            "stop_sequence": finish.stop_sequence,
        }
        body = {"type": "message_delta", "delta": delta, "usage": usage(self._usage)}
        for name, value in self._fields.items():
            (delta if name in _OF_DELTA else body)[name] = value
        if self._served.rescued is not None:
            body["rescued"] = self._served.rescued
        self._send("message_delta", body)

    def _send(self, name: str | None, body: dict[str, Any]) -> None:
        self._blocks.written.append(sse.event(body, name))


def _has_more(delta: Delta) -> bool:
    """Whether a delta has more than tool calls."""
    return bool(delta.content or delta.thinking or delta.signature or delta.refusal or delta.blocks)


def _index(body: dict[str, Any]) -> int:
    """Return the number of a block in the upstream's stream."""
    index = body.get("index")
    return index if type(index) is int else 0
