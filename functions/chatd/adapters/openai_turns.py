"""Turns, tools, options and counts in OpenAI's words, and back.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Nothing is added that the caller
did not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatd.adapters.failures import failure
from chatd.answer import Delta, ToolCallDelta, Usage, new_call_id
from chatd.chat import ChatRequest, Image, Message, OtherTool, Part, Text, Tool, ToolCall
from chatd.errors import ChatdError
from chatd.wire.http import HttpResponse
from chatd.wire.openai_chat import OpenAIDelta, OpenAIErrorDetail, OpenAIToolCall, OpenAIUsage


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
    """The tool calls of a whole answer, with an id of our own where the provider gives none."""
    return tuple(
        ToolCall(
            id=call.id or new_call_id(),
            name=call.function.name or "",
            arguments=call.function.arguments or "{}",
        )
        for call in given or ()
    )


def delta(choice: OpenAIDelta) -> Delta:
    """What a chunk adds to a choice."""
    message = choice.delta
    return Delta(
        index=choice.index,
        content=message.content or None,
        thinking=message.reasoning_content or message.reasoning or None,
        tool_calls=tuple(
            ToolCallDelta(
                index=call.index,
                id=call.id,
                name=call.function.name,
                arguments=call.function.arguments or "",
            )
            for call in message.tool_calls or ()
        ),
        logprobs=choice.logprobs,
        extra=message.model_extra or {},
    )


def usage(given: OpenAIUsage | None, cost: float | None = None) -> Usage:
    """The tokens; `cost` is where the provider gives it beside them."""
    if given is None:
        return Usage(cost_usd=cost)
    prompt, completion = given.prompt_tokens_details, given.completion_tokens_details
    return Usage(
        input_tokens=given.prompt_tokens,
        output_tokens=given.completion_tokens,
        cached_tokens=prompt.cached_tokens if prompt else None,
        reasoning_tokens=completion.reasoning_tokens if completion else None,
        cost_usd=cost if given.cost is None else given.cost,
    )


def refused(response: HttpResponse, error: OpenAIErrorDetail | str) -> ChatdError:
    """What the provider's own error becomes."""
    if isinstance(error, str):
        return failure(response, error)
    codes = [str(code) for code in (error.code, error.type) if code is not None]
    return failure(response, error.message or "", *codes)


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
