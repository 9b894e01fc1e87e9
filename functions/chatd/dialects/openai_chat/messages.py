"""Turns, tools, options and counts in OpenAI's words, and back.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Nothing is added that the caller
did not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.canonical.request import (
    ChatRequest,
    Image,
    Message,
    OtherTool,
    Part,
    Text,
    Tool,
    ToolCall,
)
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


def written(message: Message) -> dict[str, Any]:
    """One message."""
    turn: dict[str, Any] = {**message.extra, "role": message.role, "content": _content(message)}
    if message.name is not None:
        turn["name"] = message.name
    if message.tool_call_id is not None:
        turn["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    return turn


def options(request: ChatRequest) -> dict[str, Any]:
    """Everything besides the model and the messages that the caller said."""
    sampling = request.sampling
    said: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": sampling.seed,
        "stop": None if sampling.stop is None else list(sampling.stop),
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "max_tokens": request.max_tokens,
        "max_completion_tokens": request.max_completion_tokens,
        "n": request.n,
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": request.tool_choice,
        "parallel_tool_calls": request.parallel_tool_calls,
        "response_format": _response_format(request),
    }
    return {name: value for name, value in said.items() if value is not None}


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


def _content(message: Message) -> str | list[dict[str, Any]] | None:
    if not message.content:
        return None if message.role == "assistant" else []
    first, *others = message.content
    if isinstance(first, Text) and not first.extra and not others:
        return first.text
    return [_part(part) for part in message.content]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {**part.extra, "type": "text", "text": part.text}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {**part.extra, "url": part.url}}
    return {**part.extra, "type": part.kind}


def _tool(tool: Tool | OtherTool) -> dict[str, Any]:
    if isinstance(tool, OtherTool):
        return {**tool.extra, "type": tool.kind}
    said = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
    function = {name: value for name, value in said.items() if value is not None}
    return {"type": "function", "function": function}


def _response_format(request: ChatRequest) -> dict[str, Any] | None:
    if request.format is None:
        return None
    if isinstance(request.format, str):
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": request.schema_name or "answer", "schema": request.format}
    if request.strict is not None:
        schema["strict"] = request.strict
    return {"type": "json_schema", "json_schema": schema}
