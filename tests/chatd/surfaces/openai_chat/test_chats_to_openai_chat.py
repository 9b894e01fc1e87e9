"""A provider of OpenAI's dialect gets the fields and turns of an OpenAI chat unchanged."""

from __future__ import annotations

import pytest

from tests.chatd.surfaces.openai_chat.chats import (
    ALL_FIELDS,
    CUSTOM_TURNS,
    MESSAGES,
    PATH,
    WEATHER,
    complete,
    openai_call,
)
from tests.support.functions import post
from tests.support.upstream import Upstream

pytestmark = pytest.mark.usefixtures("provider", "keys")


def test_an_upstream_of_the_same_dialect_gets_every_field_unchanged(provider: Upstream) -> None:
    complete("opencode/grok", **ALL_FIELDS)

    sent = provider.last.json
    assert {name: sent[name] for name in ALL_FIELDS} == ALL_FIELDS


def test_an_upstream_of_the_same_dialect_gets_every_message_unchanged(provider: Upstream) -> None:
    post({"model": "opencode/grok", "messages": MESSAGES}, PATH)

    assert provider.last.json["messages"] == MESSAGES


def test_the_temperature_is_dropped_for_kimi_and_named(provider: Upstream) -> None:
    result = complete("kimi/k3", temperature=0.3)

    assert "temperature" not in provider.last.json
    assert result.headers["x-chatd-dropped-params"] == "temperature"


@pytest.mark.parametrize(
    ("model", "field"), [("kimi/k3", "reasoning_content"), ("openrouter/v/m", "reasoning")]
)
def test_thinking_that_the_caller_sends_back_reaches_the_provider(
    provider: Upstream, model: str, field: str
) -> None:
    messages = [
        {"role": "user", "content": "x"},
        {**openai_call(), "reasoning_content": "Hm."},
        {"role": "tool", "tool_call_id": "call_9", "content": "y"},
    ]

    post({"model": model, "messages": messages}, PATH)

    assert provider.last.json["messages"][1][field] == "Hm."


def test_kimi_gets_no_empty_text_beside_a_tool_call(provider: Upstream) -> None:
    messages = [
        {"role": "user", "content": "x"},
        {**openai_call(), "content": ""},
        {"role": "tool", "tool_call_id": "call_9", "content": "y"},
    ]

    post({"model": "kimi/k3", "messages": messages}, PATH)

    assert "content" not in provider.last.json["messages"][1]


def test_an_upstream_of_the_same_dialect_gets_custom_turns_and_tools_unchanged(
    provider: Upstream,
) -> None:
    tools = [WEATHER, {"type": "custom", "custom": {"name": "x"}}]
    post({"model": "opencode/grok", "messages": CUSTOM_TURNS, "tools": tools}, PATH)

    assert provider.last.json["messages"] == CUSTOM_TURNS
    assert provider.last.json["tools"] == tools
