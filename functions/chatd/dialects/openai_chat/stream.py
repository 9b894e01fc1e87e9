"""Read a stream of OpenAI's dialect into events of the internal form.

https://platform.openai.com/docs/api-reference/chat-streaming. It knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

from pydantic import ValidationError

from chatd.canonical.response import Counted, End, Event, Finish, Usage
from chatd.dialects import lenient
from chatd.dialects.failures import failure, malformed
from chatd.dialects.framing import data
from chatd.dialects.openai_chat import messages
from chatd.dialects.openai_chat.schema import OpenAIChunk, OpenAIDelta
from chatd.dialects.openai_chat.tool_calls import Calls
from chatd.upstream_http import HttpResponse


def told_apart(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """Return the same bytes, and whether they are JSON and not server-sent events."""
    before: list[bytes] = []
    for chunk in chunks:
        before.append(chunk)
        if first := chunk.lstrip()[:1]:
            return chain(before, chunks), first in (b"{", b"[")
    return iter(before), False


def events(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Event]:
    """Read a stream, which ends with the finish reason of its last choice.

    `[DONE]` is optional, and ends the choices that have text or calls but no finish reason, as
    LiteLLM's with `n` > 1. A frame with the cost may follow it
    (https://github.com/anomalyco/opencode, packages/console/app/src/routes/zen).

    Raises:
        ChatdError: If it holds an error or something else that is no event, or dies before its end.

    """
    choices = _Choices(response)
    counted = Counted(Usage())
    ended = False
    for text in data(chunks):
        if text == b"[DONE]":
            yield from choices.done()
            if not choices.finished:
                break
            if not ended:
                ended = True
                yield from (counted, End())
            continue
        chunk = _chunk(text, response)
        for choice in chunk.choices or ():
            yield from choices.read(choice)
        before, counted = counted, _counted(chunk, counted)
        if counted.usage is not before.usage:
            yield counted
    if not choices.finished:
        raise malformed(response, "its stream ended without a finish reason")
    if not ended:
        yield from (counted, End())


class _Choices:
    """Track each choice of a stream from its first chunk to its finish reason."""

    def __init__(self, response: HttpResponse) -> None:
        self._response = response
        # The finish reason that `[DONE]` means for each choice; empty before its first text or call
        self._implied: dict[int, str] = {}
        self._calls: dict[int, Calls] = {}
        self._ended: set[int] = set()

    @property
    def finished(self) -> bool:
        """Whether there is a choice, and every choice has its finish reason."""
        return bool(self._ended) and len(self._ended) == len(self._implied)

    def read(self, choice: OpenAIDelta) -> Iterator[Event]:
        """Read the part of a chunk for one choice; skip it after the finish reason."""
        index = choice.index or 0
        if index in self._ended:
            return
        self._implied.setdefault(index, "")
        if _says(choice):
            delta = messages.delta(choice, self._calls_of(index))
            if delta.tool_calls:
                self._implied[index] = "tool_calls"
            elif delta.content:
                self._implied[index] = self._implied[index] or "stop"
            yield delta
        if choice.finish_reason == "error":
            raise malformed(self._response, "it broke off its answer with an error")
        if choice.finish_reason:
            self._ended.add(index)
            yield Finish(index, choice.finish_reason)

    def done(self) -> Iterator[Event]:
        """End all choices at `[DONE]`, unless every one is still without text and calls."""
        if not self._ended and not any(self._implied.values()):
            return
        for index, reason in self._implied.items():
            if index not in self._ended:
                self._ended.add(index)
                yield Finish(index, reason or "stop")

    def _calls_of(self, index: int) -> Calls:
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = Calls()
        return calls


def is_error(error: Any) -> bool:
    """Whether the `error` field reports an error; null, false and an empty text do not."""
    return error is not None and error is not False and error != ""


def _chunk(text: bytes, response: HttpResponse) -> OpenAIChunk:
    try:
        chunk = OpenAIChunk.model_validate_json(text)
    except ValidationError:
        found = lenient.refusal(text)
        if found is None:
            raise malformed(response, "its stream holds an event that is not one") from None
        raise failure(response, found.words, *found.codes) from None
    if is_error(chunk.error):
        raise messages.refused(response, chunk.error)
    return chunk


def _says(choice: OpenAIDelta) -> bool:
    delta = choice.delta
    if delta is None:
        return bool(choice.logprobs)
    return bool(
        delta.content
        or delta.reasoning_content
        or delta.reasoning
        or delta.tool_calls
        or delta.model_extra
        or choice.logprobs
    )


def _counted(chunk: OpenAIChunk, before: Counted) -> Counted:
    """Read the tokens of a chunk, beside its choices or, from Kimi, inside one.

    A cost without tokens adds to the tokens before.

    https://github.com/MoonshotAI/kimi-cli/tree/main/packages/kosong
    """
    model = chunk.model or before.model
    used = chunk.usage
    for choice in chunk.choices or ():
        used = used or choice.usage
    if used is not None:
        return Counted(messages.usage(used, chunk.cost), model)
    if chunk.cost is not None:
        return Counted(replace(before.usage, cost_usd=lenient.cost(chunk.cost)), model)
    return before if model == before.model else replace(before, model=model)
