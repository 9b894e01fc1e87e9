"""A stream of OpenAI's dialect: server-sent events in, the internal form's events out.

https://platform.openai.com/docs/api-reference/chat-streaming. It knows nothing of requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pydantic import ValidationError

from chatd.adapters import openai_turns
from chatd.adapters.failures import garbage
from chatd.adapters.framing import data
from chatd.answer import Counted, End, Event, Finish, Usage
from chatd.wire.http import HttpResponse
from chatd.wire.openai_chat import OpenAIChunk, OpenAIDelta


def events(response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Event]:
    """Read a stream that ends when every choice has its finish reason.

    `[DONE]` is optional, and a frame with the cost may follow it
    (https://github.com/anomalyco/opencode, packages/console/app/src/routes/zen).

    Raises:
        ChatdError: If it holds an error or something else that is no event, or dies before its end.

    """
    unfinished: set[int] | None = None
    used = Usage()
    ended = False
    for text in data(chunks):
        if text == b"[DONE]":
            if unfinished is None or unfinished:
                break
            ended = True
            yield End()
            continue
        chunk = _chunk(text, response)
        if not ended:
            for choice in chunk.choices:
                unfinished = unfinished or set()
                yield from _choice(choice, unfinished, response)
        if counted := _counted(chunk, used):
            used = counted.usage
            yield counted
    if unfinished is None or unfinished:
        raise garbage(response, "its stream ended without a finish reason")
    if not ended:
        yield End()


def _choice(choice: OpenAIDelta, unfinished: set[int], response: HttpResponse) -> Iterator[Event]:
    unfinished.add(choice.index)
    if _says(choice):
        yield openai_turns.delta(choice)
    if choice.finish_reason == "error":
        raise garbage(response, "it broke off its answer with an error")
    if choice.finish_reason:
        unfinished.discard(choice.index)
        yield Finish(choice.index, choice.finish_reason)


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


def _counted(chunk: OpenAIChunk, before: Usage) -> Counted | None:
    """The tokens, beside the choices or, at Kimi, in one; a cost by itself adds to those before.

    https://github.com/MoonshotAI/kimi-cli/tree/main/packages/kosong
    """
    used = chunk.usage or next((choice.usage for choice in chunk.choices if choice.usage), None)
    if used is not None:
        return Counted(openai_turns.usage(used, chunk.cost), chunk.model)
    if chunk.cost is not None:
        return Counted(replace(before, cost_usd=chunk.cost), chunk.model)
    return None
