"""Read messages, tool calls and token counts of OpenAI's chat dialect.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.canonical.content import ToolCall
from chatd.canonical.response import Delta, Usage, new_call_id
from chatd.dialects import lenient
from chatd.dialects.failures import failure
from chatd.dialects.openai_chat.schema import (
    OpenAIDelta,
    OpenAIMessage,
    OpenAIToolCall,
    OpenAIUsage,
)
from chatd.dialects.openai_chat.tool_calls import Calls
from chatd.errors import ChatdError
from chatd.upstream_http import HttpResponse


def calls(given: Sequence[OpenAIToolCall] | None) -> tuple[ToolCall, ...]:
    """Read the tool calls of a whole answer; one without an id gets one of ours."""
    return tuple(
        ToolCall(
            id=call.id or new_call_id(),
            name=(call.function and call.function.name) or "",
            arguments=(call.function and lenient.arguments(call.function.arguments)) or "{}",
        )
        for call in given or ()
    )


def thinking(message: OpenAIMessage) -> str | None:
    """Read the thinking, which servers give under three names; None where there is none."""
    if message.reasoning_content or message.reasoning:
        return lenient.text(message.reasoning_content) or lenient.text(message.reasoning) or None
    content = message.content
    return None if content is None or type(content) is str else lenient.thinking(content)


def delta(choice: OpenAIDelta, calls: Calls) -> Delta:
    """Read what a chunk adds to a choice."""
    message = choice.delta or OpenAIMessage()
    content = message.content
    return Delta(
        index=choice.index or 0,
        content=(content if type(content) is str else lenient.text(content)) or None,
        thinking=thinking(message),
        tool_calls=tuple(map(calls.read, message.tool_calls)) if message.tool_calls else (),
        logprobs=choice.logprobs,
        extra=message.model_extra or {},
    )


def usage(given: OpenAIUsage | None, cost: Any = None) -> Usage:
    """Read the tokens; `cost` is where the provider gives it beside them."""
    beside = lenient.cost(cost)
    if given is None:
        return Usage(cost_usd=beside)
    within = lenient.cost(given.cost)
    prompt, completion = given.prompt_tokens_details, given.completion_tokens_details
    return Usage(
        input_tokens=lenient.count(given.prompt_tokens),
        output_tokens=lenient.count(given.completion_tokens),
        cached_tokens=lenient.known_count(prompt.cached_tokens) if prompt else None,
        reasoning_tokens=lenient.known_count(completion.reasoning_tokens) if completion else None,
        cost_usd=beside if within is None else within,
    )


def refused(response: HttpResponse, error: Any) -> ChatdError:
    """Make the error for what the provider gives as its `error`."""
    reason = lenient.refusal_of(error)
    return failure(response, reason.words, *reason.codes)
