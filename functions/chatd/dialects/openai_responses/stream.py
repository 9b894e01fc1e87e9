"""Read a stream of OpenAI's Responses dialect into frames.

https://developers.openai.com/api/reference/resources/responses/streaming-events. Servers leave out
events, ids, positions and sequence numbers (Ollama, llama-server, vendors behind OpenCode).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic_core import from_json

from chatd.canonical.events import Counted, End, Event, Finish, Frame, Head
from chatd.canonical.extra import Json
from chatd.canonical.response import UpstreamJson, Usage, too_many_values, values_in
from chatd.dialects import lenient
from chatd.dialects.failures import malformed
from chatd.dialects.framing import data
from chatd.dialects.json_shapes import ShapeError, member, name_in, objects
from chatd.dialects.openai_responses import failed, reading
from chatd.dialects.openai_responses.item_events import ItemEvents
from chatd.dialects.openai_responses.reading import DIALECT, AnswerCorrection
from chatd.errors import ChatdError
from chatd.safe_json.item_limits import MAX_PARTS
from chatd.safe_json.value_count import MAX_ANSWER_VALUES
from chatd.upstream_http import HttpResponse

_BEGINNINGS = ("response.created", "response.in_progress", "response.queued")
_ENDS = ("response.completed", "response.incomplete", "response.done")
_FAILURES = ("response.failed", "response.cancelled", "error")
_OWN = "response."


def frames(
    response: HttpResponse, chunks: Iterator[bytes], correct: AnswerCorrection | None = None
) -> Iterator[Frame]:
    """Read a stream, which ends with `response.completed` or `response.incomplete`.

    Frames before the first content are held until it comes: until then another model can answer
    instead. A frame with the cost may follow the end
    (https://github.com/anomalyco/opencode, packages/console/app/src/routes/zen).

    Args:
        response: The response, without its body.
        chunks: The body.
        correct: Corrects each event's JSON before it is read.

    Raises:
        ChatdError: If it holds an error or something else that is no event, or breaks off before
            its end.

    """
    reader = _Reader(response, correct)
    for text in data(chunks):
        if text == b"[DONE]":
            continue
        if reader.ended:
            yield Frame(reader.read(text).events)
            continue
        frame = reader.read(text)
        if reader.is_flowing:
            yield frame
        else:
            yield from reader.released(frame)
        if reader.ended:
            yield reader.end()
    if not reader.ended:
        raise malformed(response, "its stream ended without response.completed")


class _Reader:
    """Read each event of a stream, up to the end of the response."""

    def __init__(self, response: HttpResponse, correct: AnswerCorrection | None) -> None:
        self._response = response
        self._correct = correct
        self._items = ItemEvents()
        self._counted = Counted(Usage())
        self._has_head = False
        self._held: list[Frame] = []
        self._held_values = 0
        self.ended = False

    @property
    def is_flowing(self) -> bool:
        """Whether no frame is held any more."""
        return self._items.begun and not self._held

    def read(self, text: bytes) -> Frame:
        """Read an event.

        Raises:
            ChatdError: If it is an error, or no event of this dialect.

        """
        body = self._parsed(text)
        events: list[Event] = []
        try:
            self._read(body, events)
        except ShapeError:
            raise self._malformed_event(text) from None
        return Frame(tuple(events), UpstreamJson(DIALECT, body))

    def released(self, frame: Frame) -> Iterator[Frame]:
        """Yield the frames that need not be held, in their order; drop a sign of life.

        Raises:
            AnswerTooLargeError: If the held frames have more than 600,000 JSON values.

        """
        if self._items.begun or self.ended:
            yield from self._held
            self._held.clear()
            yield frame
            return
        body = frame.source.body if frame.source else {}
        if not frame.events and not str(body.get("type")).startswith(_OWN):
            return
        self._held_values += values_in(body)
        if self._held_values > MAX_ANSWER_VALUES:
            raise too_many_values()
        self._held.append(frame)

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
        if self._correct is not None:
            self._correct(body)
        return body

    def _malformed_event(self, text: bytes) -> ChatdError:
        found = lenient.refusal(text)
        if found is None:
            return malformed(self._response, "its stream holds an event that is not one")
        return failed.failure_of(self._response, found)

    def _read(self, body: dict[str, Any], events: list[Event]) -> None:
        kind = body.get("type")
        if kind == "response.output_text.delta":  # nearly every event
            if (delta := self._items.text(body)) is not None:
                events.append(delta)
        elif self.ended:
            self._count_cost(body, events)
        elif kind in _FAILURES:
            raise failed.event_failure(self._response, body)
        elif kind in _BEGINNINGS:
            self._read_head(member(body, "response"), events)
        elif kind in _ENDS:
            incomplete = kind == "response.incomplete"
            self._end(member(body, "response"), events, incomplete=incomplete)
        elif type(kind) is str and kind.startswith(_OWN):
            events += self._items.read(kind, body)
        elif lenient.is_error(body.get("error")):
            raise failed.event_failure(self._response, body)
        elif type(kind) is not str:
            raise ShapeError
        else:
            self._count_cost(body, events)

    def _read_head(self, response: Json, events: list[Event]) -> None:
        """Add the fields of the response, once, and its model."""
        if response and not self._has_head:
            self._has_head = True
            events.append(Head(name_in(response, "id"), reading.response_extra(response)))
        model = name_in(response, "model")
        if model is not None and model != self._counted.model:
            self._counted = Counted(self._counted.usage, model)

    def _end(self, response: Json, events: list[Event], *, incomplete: bool) -> None:
        """Read the last event: what the events before left out, the finish reason and the tokens.

        Raises:
            ChatdError: If the response failed.

        """
        if failed.has_failed(response):
            raise failed.failure_in(self._response, response)
        self._read_head(response, events)
        events += self._items.rest(objects(response.get("output"), MAX_PARTS))
        incomplete = incomplete or response.get("status") == "incomplete"
        called = self._items.called
        reason = reading.finish_reason(response, incomplete=incomplete, called=called)
        used = reading.usage(response.get("usage"), response.get("cost"))
        if used.cost_usd is None and (cost := self._counted.usage.cost_usd) is not None:
            used = replace(used, cost_usd=cost)
        self._counted = Counted(used, self._counted.model)
        events += (Finish(0, reason), self._counted)
        self.ended = True

    def _count_cost(self, body: Json, events: list[Event]) -> None:
        """Read the cost beside the response's own events: OpenCode's ping has it."""
        cost = lenient.cost(body.get("cost"))
        if cost is not None:
            usage = replace(self._counted.usage, cost_usd=cost)
            self._counted = Counted(usage, self._counted.model)
            events.append(self._counted)
