"""The chats of the contract run over all providers: one ability each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Json = Mapping[str, Any]
# A picture of one dot.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
SCHEMA: Json = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_WEATHER: Json = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather.", "parameters": SCHEMA},
}
_TIME: Json = {"type": "function", "function": {"name": "time", "parameters": SCHEMA}}
_NAMED: Json = {"type": "function", "function": {"name": "weather"}}
_USER: Json = {"role": "user", "content": "Say hello."}


@dataclass(frozen=True, slots=True)
class Case:
    """A chat.

    Attributes:
        ability: The column of the table of abilities that the case proves, if it does.
        body: The request, without the model.

    """

    ability: str | None
    body: Json


def _call(number: int, name: str = "weather") -> Json:
    function = {"name": name, "arguments": '{"city": "Bern"}'}
    return {"id": f"call_a1B2c3D4e5F6_{number}", "type": "function", "function": function}


def _result(number: int) -> Json:
    return {
        "role": "tool",
        "tool_call_id": f"call_a1B2c3D4e5F6_{number}",
        "content": f"{number + 20} degrees",
    }


def _history(calls: int, **more: Any) -> list[Json]:
    """Return a conversation with calls and their results, as OpenAI's SDK writes it."""
    turn = {"role": "assistant", "content": None, **more}
    made = [_call(number) for number in range(calls)]
    return [_USER, {**turn, "tool_calls": made}, *(_result(number) for number in range(calls))]


# Further fields in `message.model_dump()` of OpenAI's SDK.
_NULLS: Json = {"refusal": None, "annotations": [], "audio": None, "function_call": None}
_TOOLS: Json = {"messages": [_USER], "tools": [_WEATHER, _TIME]}
_JSON_TURN: Json = {"role": "user", "content": "Name a city, as a JSON object."}
_IMAGE: Json = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
_FORMAT: Json = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}

CASES: Mapping[str, Case] = MappingProxyType(
    {
        "text": Case("whole", {"messages": [_USER]}),
        "stream": Case("stream", {"messages": [_USER], "stream": True}),
        "system": Case(None, {"messages": [{"role": "system", "content": "Be brief."}, _USER]}),
        "two system turns": Case(
            None,
            {
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "system", "content": "Be kind."},
                    _USER,
                ]
            },
        ),
        "developer": Case(
            None, {"messages": [{"role": "developer", "content": "Be brief."}, _USER]}
        ),
        "turns": Case(
            None, {"messages": [_USER, {"role": "assistant", "content": "Hello."}, _USER]}
        ),
        "two user turns": Case(None, {"messages": [_USER, {"role": "user", "content": "Now."}]}),
        "an answer of the SDK": Case(
            None,
            {"messages": [_USER, {"role": "assistant", "content": "Hi.", **_NULLS}, _USER]},
        ),
        "reasoning in the history": Case(
            None,
            {
                "messages": [
                    _USER,
                    {"role": "assistant", "content": "Hi.", "reasoning_content": "Hm."},
                    _USER,
                ]
            },
        ),
        "a name": Case(None, {"messages": [{**_USER, "name": "alice"}]}),
        "parts": Case(
            None,
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Say "},
                            {"type": "text", "text": "hello."},
                        ],
                    }
                ]
            },
        ),
        "tools": Case("tools", _TOOLS),
        "streamed tools": Case("tools", {**_TOOLS, "stream": True}),
        "strict tools": Case(
            None,
            {
                "messages": [_USER],
                "tools": [
                    {**_WEATHER, "function": {**_WEATHER["function"], "strict": True}},
                ],
            },
        ),
        "tool choice auto": Case(None, {**_TOOLS, "tool_choice": "auto"}),
        "tool choice none": Case(None, {**_TOOLS, "tool_choice": "none"}),
        "forced tool": Case("forced tool", {**_TOOLS, "tool_choice": _NAMED}),
        "required tool": Case("required tool", {**_TOOLS, "tool_choice": "required"}),
        "single call": Case("single call", {**_TOOLS, "parallel_tool_calls": False}),
        "a tool's result": Case(
            "tool results", {"messages": _history(1), "tools": [_WEATHER, _TIME]}
        ),
        "two tools' results": Case(
            "tool results", {"messages": _history(2, **_NULLS), "tools": [_WEATHER, _TIME]}
        ),
        "a result with reasoning": Case(
            "tool results",
            {
                "messages": _history(1, reasoning_content="The weather is asked for."),
                "tools": [_WEATHER],
            },
        ),
        "JSON": Case(
            "JSON", {"messages": [_JSON_TURN], "response_format": {"type": "json_object"}}
        ),
        "schema": Case("schema", {"messages": [_JSON_TURN], "response_format": _FORMAT}),
        "streamed schema": Case(
            "schema", {"messages": [_JSON_TURN], "response_format": _FORMAT, "stream": True}
        ),
        "schema beside tools": Case(
            "schema beside tools",
            {
                "messages": [*_history(1), _JSON_TURN],
                "tools": [_WEATHER],
                "tool_choice": "none",
                "response_format": _FORMAT,
            },
        ),
        "image": Case(
            "images",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "See."}, _IMAGE]}]},
        ),
        "thinking": Case("thinking", {"messages": [_USER], "reasoning_effort": "high"}),
        "streamed thinking": Case(
            "thinking", {"messages": [_USER], "reasoning_effort": "high", "stream": True}
        ),
        "no thinking": Case(None, {"messages": [_USER], "reasoning_effort": "none"}),
        "tools with thinking": Case(None, {**_TOOLS, "reasoning_effort": "low"}),
        "temperature": Case("temperature", {"messages": [_USER], "temperature": 0.5}),
        "top_p": Case("top_p", {"messages": [_USER], "top_p": 0.9}),
        "stop": Case("stop", {"messages": [_USER], "stop": ["END"]}),
        "seed": Case("seed", {"messages": [_USER], "seed": 7}),
        "penalties": Case(
            "penalties",
            {"messages": [_USER], "presence_penalty": 0.5, "frequency_penalty": 0.5},
        ),
        "max_tokens": Case("limit", {"messages": [_USER], "max_tokens": 2048}),
        "max_completion_tokens": Case(
            "limit", {"messages": [_USER], "max_completion_tokens": 2048}
        ),
        "two choices": Case("n", {"messages": [_USER], "n": 2}),
        "logprobs": Case("logprobs", {"messages": [_USER], "logprobs": True}),
        "labels": Case(
            None, {"messages": [_USER], "user": "u-1", "metadata": {"a": "b"}, "store": False}
        ),
        "stream options": Case(
            None,
            {"messages": [_USER], "stream": True, "stream_options": {"include_usage": True}},
        ),
        "prefill": Case(None, {"messages": [_USER, {"role": "assistant", "content": "Hel"}]}),
    }
)
