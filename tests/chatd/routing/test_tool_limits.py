"""What a row changes that takes a part of the choices of tools, from end to end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import HttpResult, post, stream
from tests.support.upstream import Upstream, chunked, reply

CHAT = "/v1/chat/completions"
SCHEMA = {"type": "object", "properties": {}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
TIME = {"type": "function", "function": {"name": "time", "parameters": SCHEMA}}
NAMED = {"type": "function", "function": {"name": "time"}}
USER = {"role": "user", "content": "Now?"}
CALLS = [
    {"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}}
    for name in ("weather", "time")
]


@pytest.fixture
def limited(provider: Upstream, config: Path) -> Upstream:
    """Serve a row that takes a part of the choices of tools."""
    config.write_text(
        f'[providers.mine]\ndialect = "openai_chat"\nbase_url = "{provider.url}"\n'
        'refuses = ["named_tool", "parallel_tool_calls", "images"]\n'
    )
    return provider


def asked(**fields: Any) -> HttpResult:
    return post({"model": "mine/m", "messages": [USER], "tools": [WEATHER, TIME], **fields}, CHAT)


def test_a_named_tool_is_the_only_one_and_required(limited: Upstream) -> None:
    assert asked(tool_choice=NAMED).status == 200
    assert limited.last.json["tools"] == [TIME]
    assert limited.last.json["tool_choice"] == "required"


def test_a_named_custom_tool_is_the_only_one_and_required(limited: Upstream) -> None:
    patch = {"type": "custom", "custom": {"name": "patch"}}

    assert asked(tools=[WEATHER, patch], tool_choice=patch).status == 200
    assert limited.last.json["tools"] == [patch]
    assert limited.last.json["tool_choice"] == "required"


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_any_other_choice_stays(choice: str, limited: Upstream) -> None:
    assert asked(tool_choice=choice).status == 200
    assert limited.last.json["tools"] == [WEATHER, TIME]
    assert limited.last.json["tool_choice"] == choice


def test_the_name_of_no_tool_stays_for_the_provider_to_refuse(limited: Upstream) -> None:
    unknown = {"type": "function", "function": {"name": "nothing"}}

    asked(tool_choice=unknown)

    assert limited.last.json["tool_choice"] == unknown


def test_the_first_call_is_kept_where_the_caller_wants_one(limited: Upstream) -> None:
    whole = answers.openai_chat(None)
    whole["choices"][0] |= {"finish_reason": "tool_calls"}
    whole["choices"][0]["message"]["tool_calls"] = CALLS
    limited.script = reply(whole)

    one = asked(parallel_tool_calls=False)
    both = asked(parallel_tool_calls=True)

    calls = [result.json["choices"][0]["message"]["tool_calls"] for result in (one, both)]
    assert [[call["function"]["name"] for call in found] for found in calls] == [
        ["weather"],
        ["weather", "time"],
    ]
    assert "x-chatd-dropped-params" not in one.headers
    for received in limited.received:
        assert "parallel_tool_calls" not in received.json


def test_the_first_call_of_a_stream_is_kept(limited: Upstream) -> None:
    deltas = [{"tool_calls": [{**call, "index": index}]} for index, call in enumerate(CALLS)]
    chunks = [
        answers.sse({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        for delta in deltas
    ]
    end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    limited.script = chunked([*chunks, answers.sse(end), b"data: [DONE]\n\n"])
    body = {"model": "mine/m", "messages": [USER], "tools": [WEATHER, TIME]}

    events = stream({**body, "parallel_tool_calls": False}, CHAT).json

    found = [
        call["function"]["name"]
        for event in events
        for choice in event["choices"]
        for call in choice["delta"].get("tool_calls") or ()
    ]
    assert found == ["weather"]


def test_an_image_is_a_400_before_anything_is_sent(limited: Upstream) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}

    refused = asked(messages=[{"role": "user", "content": [image]}])

    assert refused.status == 400
    assert refused.json["error"]["param"] == "messages.content.image_url"
    assert limited.received == []


def test_without_a_choice_of_tools_none_leaves_them_out(provider: Upstream, keys: str) -> None:
    post({"model": "zai/glm-5", "messages": [USER], "tools": [TIME], "tool_choice": "none"}, CHAT)

    assert not {"tools", "tool_choice"} & provider.last.json.keys()


def test_the_results_of_tools_are_a_400_where_there_are_no_tools(
    provider: Upstream, keys: str
) -> None:
    turns = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": CALLS[:1]},
        {"role": "tool", "tool_call_id": "weather", "content": "20"},
    ]

    refused = post({"model": "perplexity/sonar", "messages": turns}, CHAT)

    assert (refused.status, refused.json["error"]["param"]) == (400, "messages.tool_calls")
    assert provider.received == []


def test_an_unfinished_turn_is_followed_by_one_of_the_user(provider: Upstream, keys: str) -> None:
    turns = [USER, {"role": "assistant", "content": "It is"}]

    assert post({"model": "perplexity/sonar", "messages": turns}, CHAT).status == 200
    assert provider.last.json["messages"][-1] == {"role": "user", "content": "Continue."}
