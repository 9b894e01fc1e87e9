"""A stream of OpenAI's dialect: server-sent events in, the internal form's events out.

https://platform.openai.com/docs/api-reference/chat-streaming. It knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from pydantic import ValidationError

from chatd.adapters import openai_turns
from chatd.adapters.failures import garbage
from chatd.adapters.framing import data
from chatd.answer import Counted, End, Event, Finish, Usage
from chatd.wire.http import HttpResponse
from chatd.wire.openai_chat import OpenAIChunk, OpenAIDelta


def told_apart(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """The same bytes, and whether they are one JSON object: no server-sent event begins so."""
    before: list[bytes] = []
    for chunk in chunks:
        before.append(chunk)
        if first := chunk.lstrip()[:1]:
            return chain(before, chunks), first == b"{"
    return iter(before), False


def events(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Event]:
    """Read a stream that ends when every choice has its finish reason.

    `[DONE]` is optional, and a frame with the cost may follow it
    (https://github.com/anomalyco/opencode, packages/console/app/src/routes/zen).

    Raises:
        ChatdError: If it holds an error or something else that is no event, or dies before its end.

    """
    choices = _Choices(response)
    counted = Counted(Usage())
    ended = False
    for text in data(chunks):
        if text == b"[DONE]":
            if not choices.finished:
                break
            if not ended:
                ended = True
                yield from (counted, End())
            continue
        chunk = _chunk(text, response)
        for choice in chunk.choices:
            yield from choices.read(choice)
        before, counted = counted, _counted(chunk, counted)
        if counted.usage is not before.usage:
            yield counted
    if not choices.finished:
        raise garbage(response, "its stream ended without a finish reason")
    if not ended:
        yield from (counted, End())


class _Choices:
    """How far each choice of a stream has come."""

    def __init__(self, response: HttpResponse) -> None:
        self._response = response
        self._spoke: dict[int, bool] = {}
        self._ended: set[int] = set()

    @property
    def finished(self) -> bool:
        """Whether there was any, and every one has its finish reason."""
        return bool(self._ended) and len(self._ended) == len(self._spoke)

    def read(self, choice: OpenAIDelta) -> Iterator[Event]:
        """What a chunk says of a choice; after its finish reason come only counts, said of it."""
        index = choice.index
        if index in self._ended:
            return
        self._spoke[index] = self._spoke.get(index, False) or _answers(choice)
        if _says(choice):
            yield openai_turns.delta(choice)
        if choice.finish_reason == "error":
            raise garbage(self._response, "it broke off its answer with an error")
        if choice.finish_reason:
            if not self._spoke[index] and choice.finish_reason != "length":
                raise garbage(self._response, "its answer holds no content")
            self._ended.add(index)
            yield Finish(index, choice.finish_reason)


def _chunk(text: bytes, response: HttpResponse) -> OpenAIChunk:
    try:
        chunk = OpenAIChunk.model_validate_json(text)
    except ValidationError:
        raise garbage(response, "its stream holds an event that is not one") from None
    if chunk.error is not None:
        raise openai_turns.refused(response, chunk.error)
    return chunk


def _says(choice: OpenAIDelta) -> bool:
    delta = choice.delta
    return bool(
        delta.content
        or delta.reasoning_content
        or delta.reasoning
        or delta.tool_calls
        or delta.model_extra
        or choice.logprobs
    )


def _answers(choice: OpenAIDelta) -> bool:
    """Whether it is any answer at all; an empty text is one, and thinking alone is none."""
    delta = choice.delta
    return bool(delta.content is not None or delta.tool_calls or delta.model_extra)


def _counted(chunk: OpenAIChunk, before: Counted) -> Counted:
    """The tokens, beside the choices or, at Kimi, in one; a cost by itself adds to those before.

    https://github.com/MoonshotAI/kimi-cli/tree/main/packages/kosong
    """
    model = chunk.model or before.model
    used = chunk.usage
    for choice in chunk.choices:
        used = used or choice.usage
    if used is not None:
        return Counted(openai_turns.usage(used, chunk.cost), model)
    if chunk.cost is not None:
        return Counted(replace(before.usage, cost_usd=chunk.cost), model)
    return before if model == before.model else replace(before, model=model)
