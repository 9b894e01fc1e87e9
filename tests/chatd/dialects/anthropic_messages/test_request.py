"""A request of the same dialect is forwarded; only what the gateway changed is written anew."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatd.canonical.content import Text, Thinking
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, OpaqueTool, Sampling
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.request import body_of, omitted, refused
from chatd.resilience.prefill import prefilled
from chatd.surfaces import surface

ROW = Provider("p", "anthropic_messages", "https://h")
HI = (Message("user", (Text("Hi"),)),)
MARK = {"cache_control": {"type": "ephemeral"}}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s", "x": 1}
CALL = {"type": "tool_use", "id": "t:1", "name": "f", "input": {"a": [1.0]}, "caller": {"x": 1}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}
RESULT = {"type": "tool_result", "tool_use_id": "t:1", "content": [IMAGE | MARK], "is_error": True}
BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "system": [{"type": "text", "text": "Be brief.", **MARK}],
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "Agents."},
        {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "A", **MARK}, CALL]},
        {"role": "user", "content": [RESULT, {"type": "novel", "x": [None]}], "x": 1},
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}],
    "tool_choice": {"type": "auto", "x": 1},
    "thinking": {"type": "adaptive", "display": "omitted"},
    "output_config": {
        "effort": "high",
        "format": {"type": "json_schema", "schema": {"type": "string"}},
    },
    "context_management": {"edits": []},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["\n"],
    "temperature": 0.5,
}


def read(body: dict[str, Any]) -> ChatRequest:
    return surface("anthropic_messages").read({}, json.dumps(body).encode())


def sent(request: ChatRequest, row: Provider = ROW) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(body_of(request, row)))
    return found


def test_the_callers_json_is_forwarded_but_for_the_model() -> None:
    request = read(BODY)

    assert sent(replace(request, model="other")) == {**BODY, "model": "other"}
    assert (refused(request), omitted(request, ROW)) == ((), ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda values: (
        st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=4), values, max_size=2)
    ),
    max_leaves=5,
)
EMPTY: tuple[Any, ...] = (None, [], {}, "")
UNKNOWN = st.dictionaries(st.text(min_size=1, max_size=4).map("x_{}".format), JSON, max_size=2)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(UNKNOWN, min_size=6, max_size=6))
def test_unknown_fields_at_every_level_are_forwarded(unknown: list[dict[str, Any]]) -> None:
    body = copy.deepcopy(BODY)
    body |= unknown[0]
    body["messages"][2] |= unknown[1]
    for block, more in zip(body["messages"][2]["content"], unknown, strict=False):
        block.update(more)
    body["tools"][0] |= unknown[2]
    body["thinking"] |= unknown[3]
    body["output_config"] |= unknown[4]
    body["messages"][3]["content"][0]["content"][0]["source"] |= unknown[5]

    assert sent(read(body)) == {**body, "model": "m"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(UNKNOWN, min_size=6, max_size=6))
def test_a_rewritten_turn_keeps_its_blocks_and_unknown_fields(unknown: list[Any]) -> None:
    body = copy.deepcopy(BODY)
    for turn, more in zip(body["messages"][2:], unknown, strict=False):
        turn.update({name: value for name, value in more.items() if value not in EMPTY})
    request = read(body)
    turns = tuple(replace(turn) for turn in request.messages)

    found = sent(replace(request, messages=turns))

    assert found == {**body, "system": body["system"]}


def test_a_prefill_adds_its_turn_and_changes_the_limit() -> None:
    found = sent(prefilled(read(BODY), "Once upon a time "))

    added = {"role": "assistant", "content": "Once upon a time"}
    assert found == {**BODY, "max_tokens": 96, "messages": [*BODY["messages"], added]}


def test_only_the_changed_turn_is_written_anew() -> None:
    request = read(BODY)
    turns = list(request.messages)
    rest = tuple(block for block in turns[3].blocks if not isinstance(block, Thinking))
    turns[3] = replace(turns[3], blocks=rest)

    found = sent(replace(request, messages=tuple(turns)))

    assert found["messages"][2]["content"] == BODY["messages"][2]["content"][1:]
    assert found["messages"][:2] == BODY["messages"][:2]
    assert found["messages"][3] == BODY["messages"][3]
    assert found["system"] == BODY["system"]


@pytest.mark.parametrize("system", [[], [Text("B")]])
def test_a_changed_system_prompt_is_written_anew(system: list[Text]) -> None:
    request = read(BODY)
    first = replace(request.messages[0], blocks=tuple(system))

    found = sent(replace(request, messages=(first, *request.messages[1:])))

    assert found.get("system") == ("B" if system else None)
    assert found["messages"] == BODY["messages"]


def test_a_system_prompt_may_be_added_and_removed() -> None:
    plain = {name: value for name, value in BODY.items() if name != "system"}
    request = read(plain)
    instructed = (Message("system", (Text("JSON!"),)), *request.messages)

    assert sent(replace(request, messages=instructed))["system"] == "JSON!"
    request = read(BODY)
    assert "system" not in sent(replace(request, messages=request.messages[1:]))


@pytest.mark.parametrize(
    ("change", "written"),
    [
        (
            {"sampling": Sampling(top_p=0.97)},
            {"temperature": None, "stop_sequences": None, "top_p": 0.97},
        ),
        (
            {"think": None, "think_budget": None, "effort": None},
            {"thinking": None, "output_config": {"format": BODY["output_config"]["format"]}},
        ),
        ({"effort": None}, {"output_config": {"format": BODY["output_config"]["format"]}}),
        ({"think": False}, {"thinking": {"type": "disabled", "display": "omitted"}}),
        ({"tools": ()}, {"tools": None}),
    ],
)
def test_only_changed_fields_are_written_anew(change: Any, written: dict[str, Any]) -> None:
    expected = {**BODY, **written}

    found = sent(replace(read(BODY), **change))

    assert found == {name: value for name, value in expected.items() if value is not None}


def test_the_callers_json_is_not_changed() -> None:
    request = read({**BODY, "temperature": 1})
    assert request.source is not None
    before = copy.deepcopy(dict(request.source.body))

    for model in ("m", "claude-opus-5", "claude-haiku-4-5"):
        attempt = replace(request, model=model, messages=request.messages[1:])
        sent(attempt)
        omitted(attempt, ROW)

    assert request.source.body == before


def chat(**fields: Any) -> ChatRequest:
    return ChatRequest("m", HI, **fields)


def extra(**fields: Any) -> Extra:
    return Extra("openai_chat", fields)


def test_a_request_of_another_dialect_is_written() -> None:
    request = chat(extra=extra(user="u", store=True), max_tokens=5)

    assert sent(request) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 5,
        "metadata": {"user_id": "u"},
    }


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        (chat(n=2), ("n",)),
        (chat(n=1, logprobs=False), ()),
        (chat(logprobs=True, top_logprobs=2), ("logprobs",)),
        (chat(extra=extra(logit_bias={"1": 5})), ("logit_bias",)),
        (chat(extra=extra(logit_bias={}, modalities=["text"])), ()),
        (chat(extra=extra(modalities=["audio"], audio={"v": 1})), ("modalities", "audio")),
        (chat(extra=extra(functions=[{}], function_call="auto")), ("functions",)),
        (chat(extra=Extra("openai_responses", {"logit_bias": {"1": 5}})), ()),
    ],
)
def test_fields_that_change_the_answer_are_refused(
    request_: ChatRequest, names: tuple[str, ...]
) -> None:
    assert refused(request_) == names


def test_other_fields_are_named_or_change_nothing() -> None:
    given = extra(user="u", metadata={}, verbosity="low", service_tier="auto", x=None, y={"a": 1})
    foreign = OpaqueTool("web_search", Extra("openai_chat", {}))

    found = omitted(chat(extra=given, tools=(foreign,), sampling=Sampling(seed=1)), ROW)

    assert found == ("seed", "verbosity", "y", "tools.web_search")


def test_carried_cache_marks_are_not_named() -> None:
    mark = Extra("openai_chat", {"cache_control": {"type": "ephemeral"}, "z": 1})
    turns = (Message("user", (Text("Hi", mark),), extra=mark),)

    assert omitted(ChatRequest("m", turns), ROW) == ("messages.z", "messages.content.z")


def test_unsigned_thinking_is_named_for_claude() -> None:
    turns = (*HI, Message("assistant", (Thinking("Hm."), Text("A"))), *HI)

    assert omitted(ChatRequest("claude-opus-5", turns), ROW) == ("messages.content.thinking",)
    assert omitted(ChatRequest("MiniMax-M3", turns), ROW) == ()
