"""Chats of the contract run on Anthropic's surface, and their judgement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatd.canonical.maker import tagged
from tests.clients.stub_model import INPUT_TOKENS
from tests.contract.vendor_chats import PNG, SCHEMA, Json
from tests.contract.vendor_run import Outcome

_USER: Json = {"role": "user", "content": "Say hello."}
_TOOLS = [
    {"name": "weather", "description": "The weather.", "input_schema": SCHEMA},
    {"name": "time", "input_schema": SCHEMA},
]
_CALLS = [
    {
        "type": "tool_use",
        "id": f"toolu_01A09q90qw90lq917835lq9{number}",
        "name": "weather",
        "input": {"city": "Bern"},
    }
    for number in range(2)
]
_RESULTS = [
    {"type": "tool_result", "tool_use_id": call["id"], "content": "20 degrees"} for call in _CALLS
]
_IMAGE: Json = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PNG},
}
# Thinking of another provider's model, as chatd gives it to a caller.
_THINKING: Json = {
    "type": "thinking",
    "thinking": "Hm.",
    "signature": tagged("elsewhere/model", "c2lnbmF0dXJl"),
}

CASES: Mapping[str, Json] = MappingProxyType(
    {
        "text": {"messages": [_USER]},
        "stream": {"messages": [_USER], "stream": True},
        "system": {
            "messages": [_USER],
            "system": [
                {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "Be kind."},
            ],
        },
        "two user turns": {"messages": [_USER, _USER]},
        "tools": {"messages": [_USER], "tools": _TOOLS},
        "streamed tools": {"messages": [_USER], "tools": _TOOLS, "stream": True},
        "forced tool": {
            "messages": [_USER],
            "tools": _TOOLS,
            "tool_choice": {"type": "tool", "name": "weather"},
        },
        "single call": {
            "messages": [_USER],
            "tools": _TOOLS,
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
        "tools' results": {
            "messages": [
                _USER,
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "Let me see."}, *_CALLS],
                },
                {"role": "user", "content": [*_RESULTS, {"type": "text", "text": "So?"}]},
            ],
            "tools": _TOOLS,
            "tool_choice": {"type": "none"},
        },
        "results with thinking": {
            "messages": [
                _USER,
                {"role": "assistant", "content": [_THINKING, *_CALLS]},
                {"role": "user", "content": _RESULTS},
            ],
            "tools": _TOOLS,
        },
        "image": {
            "messages": [{"role": "user", "content": [{"type": "text", "text": "See."}, _IMAGE]}]
        },
        "thinking": {"messages": [_USER], "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "adaptive thinking": {
            "messages": [_USER],
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "high"},
            "stream": True,
        },
        "schema": {
            "messages": [{"role": "user", "content": "Name a city, as a JSON object."}],
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        },
        "sampling": {
            "messages": [_USER],
            "temperature": 0.5,
            "stop_sequences": ["END"],
            "metadata": {"user_id": "u-1"},
        },
    }
)


def judge(case: str, body: Json, outcome: Outcome) -> None:
    """Judge the outcome of a chat.

    Raises:
        AssertionError: If the vendor refused the request, a refusal has no type, or the answer is
            wrong.

    """
    if outcome.is_refused():
        return
    blocks, reason, usage = _answer(outcome.body, streamed=bool(body.get("stream")))
    calls = [block for block in blocks if block["type"] == "tool_use"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    assert usage == INPUT_TOKENS, usage
    assert reason == ("tool_use" if calls else "end_turn"), reason
    assert len({call["id"] for call in calls}) == len(calls), calls
    if case == "tools' results" and "tool_choice" in outcome.dropped:
        return  # the model may call a tool then
    for call in calls:
        assert call["input"] == {"city": "Zürich"}, call
    lost = {"tool_choice", "parallel_tool_calls"} & set(outcome.dropped)
    if case in ("forced tool", "single call") and not lost:
        assert len(calls) == 1, calls
    if case in ("tools", "streamed tools"):
        assert len(calls) == 2, calls
    if case == "schema" and "output_config.format" not in outcome.dropped:
        assert json.loads(text) == {"city": "Zürich"}, text
    assert calls or text, blocks


def _answer(body: Any, *, streamed: bool) -> tuple[list[Json], str, int]:
    """Return the blocks, the stop reason and the input tokens of an answer."""
    if not streamed:
        return body["content"], body["stop_reason"], _tokens(body["usage"])
    blocks: dict[int, dict[str, Any]] = {}
    reason, usage = "", 0
    for event in body:
        match event["type"]:
            case "content_block_start":
                blocks[event["index"]] = {**event["content_block"], "partial": ""}
            case "content_block_delta":
                _extend(blocks[event["index"]], event["delta"])
            case "message_delta":
                reason = event["delta"]["stop_reason"]
                usage = _tokens(event["usage"]) or usage
            case "message_start":
                usage = _tokens(event["message"]["usage"])
    for block in blocks.values():
        if block["type"] == "tool_use":
            block["input"] = json.loads(block["partial"] or "{}")
    return list(blocks.values()), reason, usage


def _tokens(usage: Json) -> int:
    """Return the tokens of the prompt, cached or not."""
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(usage.get(name) or 0 for name in names)


def _extend(block: dict[str, Any], delta: Json) -> None:
    block["partial"] += delta.get("partial_json", "")
    if "text" in delta:
        block["text"] += delta["text"]
