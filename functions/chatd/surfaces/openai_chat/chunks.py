"""Write the chunks of a stream of OpenAI's chat surface.

A frame that came in this dialect is forwarded as the upstream's own JSON. What a client must find
in OpenAI's form is replaced in it: missing fields, tool calls without numbers, repeated roles,
names and ids. Any other frame is written from its events, one chunk each.
https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.events import (
    Counted,
    Delta,
    End,
    Event,
    Finish,
    Frame,
    Head,
    ToolCallDelta,
)
from chatd.canonical.extra import Extra, Json, fields_for, nested_for
from chatd.canonical.response import FailedOver, Usage
from chatd.canonical.served import Served
from chatd.surfaces import sse
from chatd.surfaces.openai_chat.completion import DIALECT, own, own_id, reason, text, usage

_OBJECT = "chat.completion.chunk"


class Chunks:
    """Writes the chunks of one stream.

    Args:
        served: The provider and model that answer.
        with_usage: Whether the caller wants the tokens counted.

    """

    def __init__(self, served: Served, *, with_usage: bool) -> None:
        self._served = served
        self._with_usage = with_usage
        self._usage = Usage()
        self._usage_sent = False
        self._begun: set[int] = set()
        self._id: str | None = None
        self._created: int | None = None
        self._model: str | None = None
        self._extra: Extra | None = None
        self._written_head: dict[str, Any] | None = None

    def write(self, frame: Frame) -> Sequence[bytes]:
        """Write a frame: nothing, a chunk, or several."""
        source = own(frame.source)
        if source is not None:
            return (sse.event(source.body),) if self._complete(source.body, frame.events) else ()
        pieces: list[bytes] = []
        for event in frame.events:
            if type(event) is Delta:
                if _has_part(event):
                    pieces.append(self._delta(event))
            else:
                pieces.extend(self._event(event))
        return pieces

    def _event(self, event: Event) -> Iterator[bytes]:
        match event:
            case Finish():
                yield self._finish(event)
            case Head():
                self._extra = event.extra
            case Counted():
                self._count(event.usage)
            case FailedOver():
                self._fail_over(event)
            case End():
                yield from self._end()

    def _complete(self, body: dict[str, Any], events: tuple[Event, ...]) -> bool:
        """Complete the JSON of a chunk in place; return whether to write the chunk."""
        for event in events:
            if type(event) is Counted:
                self._count(event.usage)
        if not self._complete_usage(body):
            return False
        self._complete_head(body)
        choices = body.get("choices")
        if choices is None:
            body["choices"] = []
        for choice in choices or ():
            self._complete_choice(choice, events)
        return True

    def _complete_usage(self, body: dict[str, Any]) -> bool:
        """Write or remove the usage; return whether other content remains."""
        if self._with_usage:
            given = body.get("usage")
            if type(given) is dict:
                body["usage"] = usage(self._usage)
                self._usage_sent = True
            return True
        given = body.pop("usage", None)
        if body.get("choices"):
            return True
        return type(given) is not dict and body.get("cost") is None

    def _complete_head(self, body: dict[str, Any]) -> None:
        """Complete the response's fields; after a failover, keep the first model's."""
        if body.get("object") != _OBJECT:
            body["object"] = _OBJECT
        if self._served.rescued is not None:
            body |= self._head()
            return
        if body.get("id") != self._id or self._id is None:
            body["id"] = text(body.get("id")) or self._id or own_id(self._served)
            self._id = self._id or body["id"]
            self._written_head = None
        created = body.get("created")
        if type(created) is not int:
            created = body["created"] = self._created or self._served.created
        self._created = self._created or created
        if body.get("model") != self._model or self._model is None:
            body["model"] = text(body.get("model")) or self._model or self._served.model
            self._model = self._model or body["model"]
            self._written_head = None

    def _complete_choice(self, choice: dict[str, Any], events: tuple[Event, ...]) -> None:
        index = choice.get("index")
        if type(index) is not int:
            index = choice["index"] = 0
        message = choice.get("delta")
        if message is None:
            message = choice["delta"] = {}
        plain = len(message) == 1 and type(message.get("content")) is str
        if index not in self._begun:
            self._begun.add(index)
            message["role"] = "assistant"
        elif not plain and "role" in message:
            del message["role"]
        if "usage" in choice and not self._with_usage:  # Kimi's place for it
            del choice["usage"]
        found = choice.get("finish_reason")
        choice["finish_reason"] = (
            reason(found) if found and type(found) in (str, int, float) else None
        )
        if message and not plain:
            for event in events:
                if type(event) is Delta and event.index == index:
                    _complete_message(message, event)

    def _count(self, counted: Usage) -> None:
        if counted.source is None or counted.source is not self._usage.source:
            self._usage_sent = False
        self._usage = counted

    def _fail_over(self, event: FailedOver) -> None:
        self._id = self._id or own_id(self._served)
        self._created = self._created or self._served.created
        self._model = self._model or self._served.model
        self._served = self._served.after(event)
        self._written_head = None

    def _delta(self, event: Delta) -> bytes:
        message = self._role(event.index)
        if event.extra is not None:
            message |= nested_for(DIALECT, event.extra, "message")
        if event.content is not None:
            message["content"] = event.content
        if event.thinking is not None:
            message["reasoning_content"] = event.thinking
        if event.refusal is not None:
            message["refusal"] = event.refusal
        if event.tool_calls:
            message["tool_calls"] = list(map(_call, event.tool_calls))
        ending = {"finish_reason": None, "logprobs": event.logprobs}
        return self._chunk(event.index, message, event.extra, ending)

    def _finish(self, event: Finish) -> bytes:
        ending = {"finish_reason": reason(event.reason), "logprobs": None}
        return self._chunk(event.index, self._role(event.index), event.extra, ending)

    def _role(self, index: int) -> dict[str, Any]:
        """Write the role in the first chunk of a choice."""
        if index in self._begun:
            return {}
        self._begun.add(index)
        return {"role": "assistant", "content": ""}

    def _chunk(self, index: int, message: Json, extra: Extra | None, ending: Json) -> bytes:
        """Write a chunk; the first after a Head event gets the response's unnamed fields."""
        choice = {"index": index, "delta": message, **fields_for(DIALECT, extra), **ending}
        body = {**self._head(), "choices": [choice]}
        if self._extra is not None:
            body = {**fields_for(DIALECT, self._extra), **body}
            self._extra = None
        if self._with_usage:
            body["usage"] = None
        return sse.event(body)

    def _end(self) -> Iterator[bytes]:
        if self._with_usage and not self._usage_sent:
            yield sse.event({**self._head(), "choices": [], "usage": usage(self._usage)})
        yield sse.DONE

    def _head(self) -> dict[str, Any]:
        """Return the response's fields for a chunk."""
        if self._written_head is None:
            served = self._served
            self._written_head = {
                "id": self._id or own_id(served),
                "object": _OBJECT,
                "created": self._created or served.created,
                "model": self._model or served.model,
            }
            if served.rescued is not None:
                self._written_head["rescued"] = served.rescued
        return self._written_head


def _has_part(delta: Delta) -> bool:
    """Whether a delta has a part that OpenAI's dialect can express."""
    parts = (delta.content, delta.thinking, delta.refusal, delta.logprobs)
    if delta.tool_calls or any(part is not None for part in parts):
        return True
    return delta.extra is not None and delta.extra.dialect == DIALECT


def _complete_message(message: dict[str, Any], delta: Delta) -> None:
    """Write text, thinking and tool calls of other forms in OpenAI's form."""
    if type(message.get("content")) is list:
        message["content"] = delta.content or ""
    if delta.thinking and message.get("reasoning_content") != delta.thinking:
        message["reasoning_content"] = delta.thinking
    for given, call in zip(message.get("tool_calls") or (), delta.tool_calls, strict=False):
        _complete_call(given, call)


def _complete_call(given: dict[str, Any], call: ToolCallDelta) -> None:
    """Number a piece of a tool call; leave its id and name to the first piece.

    Clients join the texts of all pieces, ids and names included.
    """
    given["index"] = call.index
    _set(given, "id", call.id)
    if call.id is not None:
        given["type"] = call.kind
    if call.kind in ("function", "custom"):
        inner = given.get(call.kind)
        if inner is None:
            inner = given[call.kind] = {}
        _set(inner, "name", call.name)
        inner["arguments" if call.kind == "function" else "input"] = call.arguments


def _set(fields: dict[str, Any], name: str, value: str | None) -> None:
    if value is None:
        fields.pop(name, None)
    else:
        fields[name] = value


def _call(piece: ToolCallDelta) -> dict[str, Any]:
    kind = piece.kind
    written = {**fields_for(DIALECT, piece.extra), "index": piece.index}
    if piece.id is not None:
        written |= {"id": piece.id, "type": kind}
    if kind in ("function", "custom"):
        inner = dict(nested_for(DIALECT, piece.extra, kind))
        if piece.name is not None:
            inner["name"] = piece.name
        inner["arguments" if kind == "function" else "input"] = piece.arguments
        written[kind] = inner
    return written
