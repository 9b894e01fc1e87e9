"""Fields besides the conversation are written for Anthropic, and lost ones are named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Opaque, Text
from chatd.canonical.extra import Extra
from chatd.canonical.request import (
    ChatRequest,
    CustomTool,
    Message,
    NamedTool,
    OpaqueTool,
    Sampling,
    Tool,
)
from chatd.config.model_facts import ModelFacts
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.options import Options

ROW = Provider("p", "anthropic_messages", "https://h")
HI = (Message("user", (Text("Hi"),)),)
CLOSED = {"type": "object", "properties": {}, "additionalProperties": False}
TOOL = Tool("f", "d", {"properties": {"a": {}}})
ADAPTIVE = {"type": "adaptive"}


def options(model: str = "m", row: Provider = ROW, **fields: Any) -> Options:
    return Options(ChatRequest(model, HI, **fields), row)


def fields(model: str = "m", **given: Any) -> dict[str, Any]:
    found = options(model, **given).fields
    found.pop("max_tokens")
    return found


@pytest.mark.parametrize(
    ("model", "given", "limit"),
    [
        ("m", {}, 32_000),
        ("claude-opus-5", {}, 32_000),
        ("claude-3-5-haiku-latest", {}, 8_192),
        ("claude-3-haiku-20240307", {}, 4_096),
        ("claude-3-haiku-20240307", {"max_tokens": 5_000}, 5_000),
        ("m", {"max_tokens": 0}, 0),
        ("m", {"max_tokens": 5, "max_completion_tokens": 7}, 7),
    ],
)
def test_a_limit_is_always_written(model: str, given: dict[str, Any], limit: int) -> None:
    assert options(model, **given).fields["max_tokens"] == limit


@pytest.mark.parametrize(("most", "limit"), [(5_000, 5_000), (64_000, 32_000)])
def test_the_default_limit_is_no_more_than_the_model_can_write(most: int, limit: int) -> None:
    row = replace(ROW, models={"m": ModelFacts(max_output=most)})

    assert options(row=row).fields["max_tokens"] == limit
    assert options("claude-opus-5", row).fields["max_tokens"] == 32_000


def test_the_row_has_the_default_limit() -> None:
    row = Provider("p", "anthropic_messages", "https://h", default_max_tokens=1_000)

    assert options("claude-3-haiku-20240307", row).fields["max_tokens"] == 1_000


def test_a_tool_is_written_with_an_object_as_its_schema() -> None:
    plain = {"name": "g", "input_schema": {"type": "object", "properties": {}}}
    schema = {"type": "object", "properties": {"a": {}}}

    found = fields(tools=(TOOL, Tool("g")))["tools"]

    assert found == [{"name": "f", "description": "d", "input_schema": schema}, plain]


def test_strict_is_written_where_anthropic_can_enforce_the_schema() -> None:
    strict = options(tools=(Tool("f", parameters=CLOSED, strict=True),))
    open_one = options(tools=(Tool("f", parameters={"type": "object"}, strict=True),))
    keyword = {**CLOSED, "properties": {"a": {"type": "integer", "minimum": 1}}}
    refused = options(tools=(Tool("f", parameters=keyword, strict=True),))

    assert (strict.fields["tools"][0]["strict"], strict.lost) == (True, [])
    for found in (open_one, refused):
        assert "strict" not in found.fields["tools"][0]
        assert found.lost == ["tools.strict"]


def test_only_tools_of_this_dialect_and_functions_are_written() -> None:
    own = OpaqueTool("web_search_20250305", Extra("anthropic_messages", {"name": "web_search"}))
    other = OpaqueTool("web_search", Extra("openai_chat", {}))

    assert fields(tools=(own, other, CustomTool("c")))["tools"] == [
        {"type": "web_search_20250305", "name": "web_search"}
    ]
    assert fields(tools=(other,), tool_choice="required", parallel_tool_calls=False) == {}


@pytest.mark.parametrize(
    ("choice", "parallel", "written"),
    [
        (None, None, None),
        (None, True, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (NamedTool("f"), None, {"type": "tool", "name": "f"}),
        (Opaque("new", Extra("anthropic_messages", {"x": 1})), None, {"type": "new", "x": 1}),
        (Opaque("allowed_tools", Extra("openai_chat", {"x": 1})), None, None),
    ],
)
def test_the_choice_of_a_tool_is_an_object(choice: Any, parallel: Any, written: Any) -> None:
    found = fields(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel)

    assert found.get("tool_choice") == written


@pytest.mark.parametrize(
    ("think", "thinking", "effort"),
    [
        (False, {"type": "disabled"}, None),
        ("none", {"type": "disabled"}, None),
        (True, ADAPTIVE, None),
        ("adaptive", ADAPTIVE, None),
        ("minimal", ADAPTIVE, "low"),
        ("high", ADAPTIVE, "high"),
        ("xhigh", ADAPTIVE, "xhigh"),
        ("ultra", ADAPTIVE, "max"),
        (None, None, None),
    ],
)
@pytest.mark.parametrize("model", ["m", "claude-opus-5"])
def test_thinking_is_adaptive_with_an_effort(
    model: str, think: Any, thinking: Any, effort: str | None
) -> None:
    found = options(model, think=think)

    assert found.fields.get("thinking") == thinking
    assert found.fields.get("output_config", {}).get("effort") == effort
    assert found.lost == []


def test_an_effort_stands_alone_and_before_a_level() -> None:
    assert fields(effort="low") == {"output_config": {"effort": "low"}}
    assert fields(effort="low", think="adaptive")["output_config"] == {"effort": "low"}
    assert fields("claude-opus-4-6", think="xhigh")["output_config"] == {"effort": "max"}


def test_an_older_model_gets_no_hint_but_a_demand_as_a_budget() -> None:
    budget = {"type": "enabled", "budget_tokens": 4_096}
    old = "claude-haiku-4-5"
    for hint in ("adaptive", "high"):
        found = options(old, think=hint, effort="high")
        assert {"thinking", "output_config"}.isdisjoint(found.fields)
        assert set(found.lost) == {"reasoning_effort"}
    assert fields(old, think=True) == {"thinking": budget}
    assert fields(old, think="high", think_required=True) == {"thinking": budget}
    assert fields("claude-opus-4-5", effort="low") == {"output_config": {"effort": "low"}}


@pytest.mark.parametrize(
    ("model", "budget", "limit", "thinking"),
    [
        ("m", 5_000, 9_000, {"type": "enabled", "budget_tokens": 5_000}),
        ("m", 5, 9_000, {"type": "enabled", "budget_tokens": 1_024}),
        ("m", 9_000, 9_000, {"type": "enabled", "budget_tokens": 8_999}),
        ("m", 9_000, 1_024, None),
        ("claude-opus-4-6", 5_000, 9_000, {"type": "enabled", "budget_tokens": 5_000}),
        ("claude-opus-4-7", 5_000, 9_000, ADAPTIVE),
        ("claude-haiku-4-5", None, 1_025, {"type": "enabled", "budget_tokens": 1_024}),
    ],
)
def test_a_budget_has_its_limits(model: str, budget: Any, limit: int, thinking: Any) -> None:
    found = options(model, think=True, think_budget=budget, max_tokens=limit)

    assert found.fields.get("thinking") == thinking
    assert found.lost == ([] if thinking else ["reasoning_effort"])


@pytest.mark.parametrize("choice", ["required", NamedTool("f")])
def test_a_tool_that_must_be_called_excludes_thinking(choice: Any) -> None:
    found = options(think="high", tools=(TOOL,), tool_choice=choice)

    assert "thinking" not in found.fields
    assert found.fields["output_config"] == {"effort": "high"}
    assert found.lost == ["reasoning_effort"]


def test_sampling_is_written_and_excluded_by_thinking() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.5, top_k=5, stop=("END",))

    plain, thinking = options(sampling=sampling), options(sampling=sampling, think=True)
    neutral = options(sampling=Sampling(temperature=1, top_p=0.95), think=True)

    written = {"temperature": 0.5, "top_p": 0.5, "top_k": 5, "stop_sequences": ["END"]}
    assert plain.fields == {"max_tokens": 32_000, **written}
    assert thinking.fields["stop_sequences"] == ["END"]
    assert thinking.lost == ["temperature", "top_p", "top_k"]
    assert (neutral.fields["temperature"], neutral.fields["top_p"], neutral.lost) == (1, 0.95, [])


@pytest.mark.parametrize(
    ("stop", "written", "lost"),
    [(("\n", "a "), ["a "], ["stop"]), ((" ", ""), None, ["stop"]), ((), None, [])],
)
def test_stop_texts_of_white_space_are_left_out(stop: Any, written: Any, lost: list[str]) -> None:
    found = options(sampling=Sampling(stop=stop))

    assert (found.fields.get("stop_sequences"), found.lost) == (written, lost)


def test_a_schema_is_fitted_and_described() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}

    found = options(format=schema, schema_description="D", think="low", schema_name="x")

    fitted = {**CLOSED, "properties": {"n": {"type": "integer"}}, "description": "D"}
    assert found.fields["output_config"] == {
        "effort": "low",
        "format": {"type": "json_schema", "schema": fitted},
    }
    assert found.lost == ["response_format.minimum"]
    own = options(format={"description": "own", **CLOSED}, schema_description="D")
    assert own.fields["output_config"]["format"]["schema"]["description"] == "own"


def test_fields_without_an_equal_are_named() -> None:
    sampling = Sampling(seed=0, presence_penalty=0.5, frequency_penalty=0)

    assert options(sampling=sampling).lost == ["seed", "presence_penalty"]
    named = (Message("user", (Text("Hi"),), name="anna"), Message("tool", (), name="f"))
    assert Options(ChatRequest("m", named), ROW).lost == ["messages.name"]


def test_fields_of_the_dialect_beside_the_named_ones_are_kept() -> None:
    nested: dict[str, dict[str, Any]] = {
        "thinking": {"display": "omitted"},
        "output_config": {"x": 1},
    }
    extra = Extra("anthropic_messages", {}, nested)

    assert fields(think=True, effort="low", extra=extra) == {
        "thinking": {"display": "omitted", "type": "adaptive"},
        "output_config": {"x": 1, "effort": "low"},
    }
