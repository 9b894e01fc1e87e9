"""Read a stream of OpenAI's chat dialect into frames.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head
from chatd.canonical.extra import Extra, Json
from chatd.canonical.response import UpstreamJson, Usage, too_many_values, values_in
from chatd.dialects import lenient
from chatd.dialects.failures import error_field, malformed, unlike
from chatd.dialects.framing import data
from chatd.dialects.json_shapes import (
    ShapeError,
    lenient_member,
    lenient_text,
    member,
    name_in,
    objects,
)
from chatd.dialects.openai_chat import reading
from chatd.dialects.openai_chat.reading import DIALECT, AnswerCorrection
from chatd.dialects.openai_chat.tool_calls import Calls
from chatd.errors import ChatdError
from chatd.safe_json.item_limits import MAX_CHOICES, MAX_TOOL_CALLS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES
from chatd.upstream_http import HttpResponse


def frames(
    response: HttpResponse,
    chunks: Iterator[bytes],
    kind: type[Reader] | None = None,
    correct: AnswerCorrection | None = None,
) -> Iterator[Frame]:
    """Read a stream, which ends with the finish reason of its last choice.

    Frames before the first text, tool call or finish reason, such as that of the role, are held
    until it comes: until then another model can answer instead.

    `[DONE]` is optional, and ends the choices that have text or calls but no finish reason, as
    LiteLLM's with `n` > 1. A frame with the cost may follow it
    (https://github.com/anomalyco/opencode, packages/console/app/src/routes/zen).

    Args:
        response: The response, for the errors.
        chunks: The body.
        kind: Reads the events; None: those of a chat.
        correct: Corrects each event's JSON before it is read.

    Raises:
        ChatdError: If it holds an error or something else that is no event, or breaks off before
            its end. No frame of a chunk that holds the error is yielded.

    """
    reader = (kind or Reader)(response, correct)
    ended = False
    for text in data(chunks):
        if text == b"[DONE]":
            yield from reader.done()
            if not reader.finished:
                break
            if not ended:
                ended = True
                yield reader.end()
            continue
        frame = reader.read(text)
        if ended:
            yield Frame(frame.events)
        elif reader.is_flowing and frame.events:
            yield frame
        else:
            yield from reader.released(frame)
    if not reader.finished:
        raise malformed(response, "its stream ended without a finish reason")
    if not ended:
        yield reader.end()


class Reader:
    """Read each event of a stream, and track each choice to its finish reason."""

    dialect = DIALECT

    def __init__(self, response: HttpResponse, correct: AnswerCorrection | None) -> None:
        self._response = response
        self._correct = correct
        # The finish reason that `[DONE]` means for each choice; empty before its first text or call
        self._implied: dict[int, str] = {}
        self._calls: dict[int, Calls] = {}
        self._ended: set[int] = set()
        self._counted = Counted(Usage())
        self._head: tuple[str | None, Json] = (None, {})
        self._begun = False
        self._held: list[Frame] = []
        self._held_values = 0

    @property
    def finished(self) -> bool:
        """Whether there is a choice, and every choice has its finish reason."""
        return bool(self._ended) and len(self._ended) == len(self._implied)

    @property
    def is_flowing(self) -> bool:
        """Whether no frame is held any more."""
        return self._begun and not self._held

    def read(self, text: bytes) -> Frame:
        """Read an event.

        Raises:
            ChatdError: If it is an error, or no event of this dialect.

        """
        body = self._parsed(text)
        events: list[Event] = []
        try:
            choices = objects(body.get("choices"), MAX_CHOICES)
            self._read_head(body, events)
            for choice in choices:
                self._read_choice(choice, events)
        except ShapeError:
            raise self._malformed_event(text) from None
        self._count(body, choices, events)
        return Frame(tuple(events), UpstreamJson(self.dialect, body))

    def released(self, frame: Frame) -> Iterator[Frame]:
        """Yield the frames that need not be held, in their order; drop a sign of life.

        Raises:
            AnswerTooLargeError: If the held frames have more than 600,000 JSON values.

        """
        body = frame.source.body if frame.source else {}
        if not (frame.events or body.get("choices") or reading.unnamed(body, reading.RESPONSE)):
            return
        if self._begun:
            yield from self._held
            self._held.clear()
            yield frame
            return
        self._held_values += values_in(body)
        if self._held_values > MAX_ANSWER_VALUES:
            raise too_many_values()
        self._held.append(frame)

    def done(self) -> Iterator[Frame]:
        """End all choices at `[DONE]`, unless every one is still without text and calls."""
        if not self._ended and not any(self._implied.values()):
            return
        for index, reason in self._implied.items():
            if index not in self._ended:
                self._ended.add(index)
                yield Frame((Finish(index, reason or "stop"),))

    def end(self) -> Frame:
        """Return the last frame: the tokens and the end."""
        return Frame((self._counted, End()))

    def _parsed(self, text: bytes) -> dict[str, Any]:
        try:
            body = from_json(text)
        except ValueError:
            body = None
        if type(body) is not dict:
            raise self._malformed_event(text)
        if lenient.is_error(body.get("error")):
            raise error_field(self._response, body["error"])
        if self._correct is not None:
            self._correct(body)
        return body

    def _malformed_event(self, text: bytes) -> ChatdError:
        return unlike(self._response, text, "its stream holds an event that is not one")

    def _read_head(self, body: Json, events: list[Event]) -> None:
        """Add the fields of the response, if they are others than before."""
        fields = reading.unnamed(body, reading.RESPONSE)
        if not fields and (body.get("id") == self._head[0] or not body.get("choices")):
            return
        head = (name_in(body, "id") or self._head[0], fields or self._head[1])
        if head != self._head:
            self._head = head
            events.append(Head(head[0], Extra(self.dialect, fields) if fields else None))

    def _read_choice(self, choice: Json, events: list[Event]) -> None:
        """Read the part of a chunk for one choice; skip it after the finish reason."""
        index = choice.get("index") or 0
        if type(index) is not int or not 0 <= index < MAX_CHOICES:
            raise ShapeError
        if index in self._ended:
            return
        if index not in self._implied:
            self._implied[index] = ""
        reason = choice.get("finish_reason") and name_in(choice, "finish_reason")
        if reason == "error":
            raise malformed(self._response, "it broke off its answer with an error")
        delta = self.delta(index, choice)
        extra = delta.extra
        if delta.content or _has_content(delta):
            self._begun = True
            self._imply(delta)
            events.append(delta)
            extra = None
        elif extra is not None and not reason:
            events.append(delta)
        if reason:
            self._begun = True
            self._ended.add(index)
            events.append(Finish(index, reason, extra))

    def delta(self, index: int, choice: Json) -> Delta:
        """Read what a chunk adds to a choice.

        Raises:
            ShapeError: If it is no addition of this dialect.

        """
        message = member(choice, "delta")
        text = message.get("content")
        if type(text) is str and len(message) == 1:  # nearly every chunk
            delta = Delta(index, text or None)
            if choice.keys() != reading.PLAIN_CHOICE:
                delta.logprobs = choice.get("logprobs")
                delta.extra = reading.choice_extra(choice, message)
            return delta
        reading.flatten(message)
        delta = Delta(index, reading.content(message) or None, reading.thinking(message))
        if calls := message.get("tool_calls"):
            numbers = self._calls_of(index)
            delta.tool_calls = tuple(map(numbers.read, objects(calls, MAX_TOOL_CALLS)))
        delta.refusal = lenient_text(message, "refusal")
        delta.logprobs = choice.get("logprobs")
        delta.extra = reading.choice_extra(choice, message)
        return delta

    def _imply(self, delta: Delta) -> None:
        if delta.tool_calls:
            self._implied[delta.index] = "tool_calls"
        elif (delta.content or delta.refusal) and not self._implied[delta.index]:
            self._implied[delta.index] = "stop"

    def _calls_of(self, index: int) -> Calls:
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = Calls()
        return calls

    def _count(self, body: Json, choices: list[dict[str, Any]], events: list[Event]) -> None:
        """Read the tokens of a chunk, beside its choices or, from Kimi, inside one.

        Groq has them in a field of its own (https://console.groq.com/docs/api-reference). A cost
        without tokens adds to the tokens before.

        https://github.com/MoonshotAI/kimi-cli/tree/main/packages/kosong
        """
        before = self._counted
        cost, used = body.get("cost"), body.get("usage")
        if used is None and "x_groq" in body:
            used = lenient_member(body, "x_groq").get("usage")
        for choice in choices:
            used = used or choice.get("usage")
        if used is None and cost is None and body.get("model") == before.model:
            return
        model = name_in(body, "model") or before.model
        if type(used) is dict:
            self._counted = Counted(reading.usage(used, cost), model)
        elif cost is not None:
            usage = replace(before.usage, cost_usd=lenient.cost(cost))
            self._counted = Counted(usage, model)
        elif model != before.model:
            self._counted = Counted(before.usage, model)
        if self._counted.usage is not before.usage:
            events.append(self._counted)


def _has_content(delta: Delta) -> bool:
    """Whether a delta holds a part of the response, rather than its role or nulls."""
    if delta.content or delta.thinking or delta.tool_calls or delta.refusal or delta.logprobs:
        return True
    extra = delta.extra
    return extra is not None and any(extra.nested.get("message", {}).values())
