"""Chats on OpenAI's surface for the test files of this folder."""

from __future__ import annotations

from typing import Any

from tests.support.functions import HttpResult, ask, post

PATH = "/v1/chat/completions"

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather somewhere.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}

ALL_FIELDS: dict[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["END"],
    "presence_penalty": 0.1,
    "frequency_penalty": 0.2,
    "max_completion_tokens": 50,
    "n": 2,
    "logprobs": True,
    "top_logprobs": 3,
    "tools": [WEATHER],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "city", "schema": {"type": "object"}, "strict": True},
    },
    "reasoning_effort": "low",
    "user": "u-1",
    "metadata": {"a": "b"},
    "logit_bias": {"50256": -100},
    "a_future_field": {"deep": [1, 2]},
}

MESSAGES: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief.", "name": "boss"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        ],
    },
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Bonn"}'},
            }
        ],
        "a_future_field": 1,
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
]

CUSTOM_TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": []},
    {"role": "function", "name": "weather", "content": "12 degrees"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "x", "input": "y"}}],
    },
]


def complete(model: str = "kimi/k3", **more: Any) -> HttpResult:
    return post(ask(model, **more), PATH)


def openai_call() -> dict[str, Any]:
    function = {"name": "weather", "arguments": '{"city": "Köln"}'}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_9", "type": "function", "function": function}],
    }
