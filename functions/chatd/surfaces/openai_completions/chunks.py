"""Write the chunks of a stream of OpenAI's surface of completions.

A frame that came in this dialect is forwarded as the upstream's own JSON, with the fields replaced
that a client must find in OpenAI's form. Any other frame is written from its events.
https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, Head
from chatd.canonical.response import FailedOver, Usage
from chatd.canonical.served import Served
from chatd.surfaces import sse
from chatd.surfaces.openai_chat.completion import integer, own, text, usage
from chatd.surfaces.openai_completions.completion import OBJECT, old_logprobs, own_id, reason
from chatd.surfaces.openai_completions.request import DIALECT


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
        self._head: dict[str, Any] = {}
        self._written: dict[int, int] = {}  # characters of each choice so far

    def write(self, frame: Frame) -> Sequence[bytes]:
        """Write a frame: nothing, a chunk, or several."""
        source = own(frame.source, DIALECT)
        if source is None:
            return [piece for event in frame.events for piece in self._event(event)]
        for event in frame.events:
            if type(event) is Counted:
                self._usage = event.usage
        return (sse.event(source.body),) if self._complete(source.body) else ()

    def _event(self, event: Event) -> Iterator[bytes]:
        match event:
            case Delta():
                if event.content or event.logprobs is not None:
                    yield self._delta(event)
            case Finish():
                yield self._chunk(event.index, "", None, reason(event.reason))
            case Head():
                if event.id is not None:
                    self._head.setdefault("id", event.id)
            case Counted():
                self._usage = event.usage
            case FailedOver():
                self._fail_over(event)
            case End():
                yield from self._end()

    def _complete(self, body: dict[str, Any]) -> bool:
        """Complete the JSON of a chunk in place; return whether to write the chunk."""
        given = body.pop("usage", None)
        choices = body.get("choices") or []
        if self._with_usage:
            body["usage"] = usage(self._usage) if type(given) is dict else None
            self._usage_sent = self._usage_sent or type(given) is dict
        elif not choices:
            return False
        if self._served.rescued is None:
            head = {
                "id": text(body.get("id")) or self._head.get("id") or own_id(self._served),
                "created": integer(body.get("created"), self._served.created),
                "model": text(body.get("model")) or self._served.model,
            }
            self._head = {name: self._head.get(name, value) for name, value in head.items()}
        body |= self._fields()
        body["choices"] = choices
        for number, choice in enumerate(choices):
            self._complete_choice(choice, number)
        return True

    def _complete_choice(self, choice: dict[str, Any], number: int) -> None:
        found = choice.get("finish_reason")
        written = text(choice.get("text")) or ""
        index = integer(choice.get("index"), number)
        self._written[index] = self._written.get(index, 0) + len(written)
        choice |= {
            "text": written,
            "index": index,
            "logprobs": choice.get("logprobs"),
            "finish_reason": reason(found) if found and type(found) in (str, int, float) else None,
        }

    def _delta(self, event: Delta) -> bytes:
        before = self._written.get(event.index, 0)
        written = event.content or ""
        self._written[event.index] = before + len(written)
        return self._chunk(event.index, written, old_logprobs(event.logprobs, before), None)

    def _chunk(self, index: int, written: str, logprobs: Any, ending: str | None) -> bytes:
        choice = {"text": written, "index": index, "logprobs": logprobs, "finish_reason": ending}
        body = {**self._fields(), "choices": [choice]}
        if self._with_usage:
            body["usage"] = None
        return sse.event(body)

    def _fail_over(self, event: FailedOver) -> None:
        """Keep the fields of the first model."""
        self._head = {name: value for name, value in self._fields().items() if name != "object"}
        self._served = self._served.after(event)

    def _end(self) -> Iterator[bytes]:
        if self._with_usage and not self._usage_sent:
            yield sse.event({**self._fields(), "choices": [], "usage": usage(self._usage)})
        yield sse.DONE

    def _fields(self) -> dict[str, Any]:
        """Return the response's fields for a chunk."""
        served = self._served
        fields = {
            "id": own_id(served),
            "object": OBJECT,
            "created": served.created,
            "model": served.model,
            **self._head,
        }
        if served.rescued is not None:
            fields["rescued"] = served.rescued
        return fields
