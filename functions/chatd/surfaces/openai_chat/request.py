"""A request of OpenAI's surface in the internal form.

https://platform.openai.com/docs/api-reference/chat/create. It knows nothing of answers.
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.request import (
    ChatRequest,
    Format,
    Image,
    Message,
    Other,
    OtherTool,
    Part,
    Sampling,
    Text,
    Tool,
    ToolCall,
)
from chatd.errors import InvalidRequestError
from chatd.surfaces.openai_chat.schema import (
    OpenAIPart,
    OpenAIRequest,
    OpenAIResponseFormat,
    OpenAITool,
    OpenAITurn,
)
from chatd.surfaces.validation import refuse_infinite_in


def request_of(sent: OpenAIRequest) -> ChatRequest:
    """The request in the internal form.

    Raises:
        InvalidRequestError: If a message lacks what its role needs, or the schema holds a number
            that is not finite.

    """
    stop = [sent.stop] if isinstance(sent.stop, str) else sent.stop
    options = sent.stream_options
    return ChatRequest(
        model=sent.model,
        messages=tuple(_message(turn, n) for n, turn in enumerate(sent.messages)),
        sampling=Sampling(
            temperature=sent.temperature,
            top_p=sent.top_p,
            seed=sent.seed,
            stop=None if stop is None else tuple(stop),
            presence_penalty=sent.presence_penalty,
            frequency_penalty=sent.frequency_penalty,
        ),
        max_tokens=_limit(sent.max_tokens),
        max_completion_tokens=_limit(sent.max_completion_tokens),
        **_format(sent.response_format),
        think=None if sent.reasoning_effort == "default" else sent.reasoning_effort,
        tools=tuple(_tool(tool, n) for n, tool in enumerate(sent.tools or ())),
        # Anthropic's and Mistral's word for OpenAI's `required`.
        tool_choice="required" if sent.tool_choice == "any" else sent.tool_choice,
        parallel_tool_calls=sent.parallel_tool_calls,
        n=sent.n,
        logprobs=sent.logprobs,
        top_logprobs=sent.top_logprobs,
        stream=bool(sent.stream),
        stream_usage=bool(options and options.include_usage),
        extra=sent.model_extra or {},
    )


def _limit(tokens: int | None) -> int | None:
    """The most tokens to generate; -1 is no limit."""
    return None if tokens == -1 else tokens


def _message(turn: OpenAITurn, position: int) -> Message:
    if turn.role == "tool" and turn.tool_call_id is None:
        param = f"messages.{position}.tool_call_id"
        raise InvalidRequestError(f"{param!r} is missing", param=param)
    calls, kept = _calls(turn, position)
    if turn.content is None and turn.role != "assistant":
        param = f"messages.{position}.content"
        raise InvalidRequestError(f"{param!r} is missing", param=param)
    if isinstance(turn.content, str):
        content: tuple[Part, ...] = (Text(turn.content),)
    else:
        content = tuple(
            _part(part, f"messages.{position}.content.{n}")
            for n, part in enumerate(turn.content or [])
        )
    return Message(
        role=turn.role,
        content=content,
        tool_calls=calls,
        tool_call_id=turn.tool_call_id,
        name=turn.name,
        thinking=turn.reasoning_content or turn.reasoning,
        extra={**(turn.model_extra or {}), **kept},
    )


def _part(part: OpenAIPart, place: str) -> Part:
    extra = part.model_extra or {}
    if part.type == "text":
        if part.text is None:
            raise InvalidRequestError(f"'{place}.text' is missing", param=f"{place}.text")
        return Text(part.text, extra)
    if part.type == "image_url":
        if part.image_url is None:
            raise InvalidRequestError(f"'{place}.image_url' is missing", param=f"{place}.image_url")
        if isinstance(part.image_url, str):
            return Image(part.image_url)
        return Image(part.image_url.url, part.image_url.model_extra or {})
    return Other(part.type, extra)


def _tool(tool: OpenAITool, position: int) -> Tool | OtherTool:
    if tool.type != "function":
        return OtherTool(tool.type, tool.model_extra or {})
    function = tool.function
    if function is None:
        param = f"tools.{position}.function"
        raise InvalidRequestError(f"{param!r} is missing", param=param)
    return Tool(function.name, function.description, function.parameters, function.strict)


def _calls(turn: OpenAITurn, position: int) -> tuple[tuple[ToolCall, ...], dict[str, Any]]:
    """The calls of functions; a turn with another kind keeps all of its calls as they were sent."""
    calls = turn.tool_calls or []
    if any(call.type != "function" for call in calls):
        return (), {"tool_calls": [call.model_dump(exclude_unset=True) for call in calls]}
    known = []
    for number, call in enumerate(calls):
        if call.function is None:
            param = f"messages.{position}.tool_calls.{number}.function"
            raise InvalidRequestError(f"{param!r} is missing", param=param)
        known.append(ToolCall(call.id, call.function.name, call.function.arguments))
    return tuple(known), {}


def _format(wanted: OpenAIResponseFormat | None) -> dict[str, Any]:
    """The fields of the internal form that say what form the answer must have."""
    if wanted is None or wanted.type == "text":
        return {}
    if wanted.type == "json_object":
        return {"format": "json"}
    if wanted.json_schema is None or wanted.json_schema.schema_ is None:
        param = "response_format.json_schema.schema"
        raise InvalidRequestError(f"{param!r} is missing", param=param)
    schema: Format = wanted.json_schema.schema_
    refuse_infinite_in(schema, "response_format.json_schema.schema")
    return {
        "format": schema,
        "schema_name": wanted.json_schema.name,
        "strict": wanted.json_schema.strict,
    }
