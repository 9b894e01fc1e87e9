"""Every field of a Messages request has its place in the canonical form."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.extra import Extra
from chatd.canonical.request import NamedTool, OpaqueTool, Tool
from tests.chatd.surfaces.anthropic_messages.reading import NAME, body, read

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"name": "f", "input_schema": SCHEMA}


def test_the_body_and_the_betas_are_kept_for_a_provider_of_the_same_dialect() -> None:
    sent = body("Hi", metadata={"user_id": "u"}, x_new={"a": [1]})

    request = read(sent, anthropic_beta="one,two", anthropic_version="2023-06-01")

    assert request.source is not None
    assert (request.source.dialect, request.source.body) == (NAME, sent)
    assert request.source.headers == {"anthropic-beta": "one,two"}
    for name, value in request.source.read.items():
        assert getattr(request, name) is value
    assert request.extra is not None
    assert request.extra.fields == {"metadata": {"user_id": "u"}, "x_new": {"a": [1]}}


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_a_system_prompt_is_the_first_message(system: Any) -> None:
    first, second = read(body("Hi", system=system)).messages

    assert (first.role, first.text, second.role) == ("system", "Be brief.", "user")


@pytest.mark.parametrize("system", [None, "", []])
def test_an_empty_system_prompt_is_no_message(system: Any) -> None:
    assert [turn.role for turn in read(body("Hi", system=system)).messages] == ["user"]


def test_a_system_turn_within_the_conversation_stays_in_its_place() -> None:
    sent = body("Hi")
    sent["messages"] += [
        {"role": "system", "content": "Agents: one."},
        {"role": "assistant", "content": "Hello."},
    ]

    roles = [turn.role for turn in read(sent).messages]

    assert roles == ["user", "system", "assistant"]


def test_sampling_and_limits_are_read() -> None:
    request = read(
        body("Hi", temperature=0.5, top_p=0.9, top_k=3, stop_sequences=["END"], max_tokens=0)
    )

    sampling = request.sampling
    assert (sampling.temperature, sampling.top_p, sampling.top_k) == (0.5, 0.9, 3)
    assert (sampling.stop, request.max_tokens) == (("END",), 0)


@pytest.mark.parametrize(
    ("thinking", "think", "budget"),
    [
        (None, None, None),
        ({"type": "adaptive", "display": "omitted"}, "adaptive", None),
        ({"type": "between_tools"}, "adaptive", None),
        ({"type": "enabled", "budget_tokens": 2048}, True, 2048),
        ({"type": "enabled", "budget_tokens": -1}, True, None),
        ({"type": "enabled"}, True, None),
        ({"type": "disabled"}, False, None),
    ],
)
def test_thinking_is_read(thinking: Any, think: Any, budget: int | None) -> None:
    request = read(body("Hi", thinking=thinking))

    assert (request.think, request.think_budget) == (think, budget)
    assert not request.think_required


@pytest.mark.parametrize(("effort", "kept"), [("high", "high"), ("max", "max"), ("cosmic", None)])
def test_an_effort_is_a_hint(effort: str, kept: str | None) -> None:
    assert read(body("Hi", output_config={"effort": effort})).effort == kept


@pytest.mark.parametrize("older", [False, True])
def test_a_schema_is_the_strict_format_by_both_names(older: bool) -> None:
    form = {"type": "json_schema", "schema": SCHEMA}

    request = read(
        body("Hi", **({"output_format": form} if older else {"output_config": {"format": form}}))
    )

    assert (request.format, request.strict) == (SCHEMA, True)


def test_a_format_of_another_kind_is_kept_as_an_unnamed_field() -> None:
    request = read(body("Hi", output_config={"format": {"type": "grammar", "rule": "a"}}))

    assert request.format is None
    assert request.format_extra is not None
    assert request.format_extra.fields == {"type": "grammar", "rule": "a"}


def test_tools_of_the_caller_and_of_a_server_are_told_apart() -> None:
    sent = [
        {**TOOL, "description": "d", "strict": True, "defer_loading": True},
        {**TOOL, "type": "custom"},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
    ]

    own, custom, server = read(body("Hi", tools=sent)).tools

    assert isinstance(own, Tool)
    assert (own.name, own.description, own.parameters, own.strict) == ("f", "d", SCHEMA, True)
    assert own.extra is not None
    assert own.extra.fields == {"defer_loading": True}
    assert isinstance(custom, Tool)
    assert isinstance(server, OpaqueTool)
    assert server.kind == "web_search_20250305"
    assert server.extra.fields == {"name": "web_search", "max_uses": 8}


@pytest.mark.parametrize(
    ("choice", "read_as", "parallel"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "none", "disable_parallel_tool_use": False}, "none", True),
        (None, None, None),
    ],
)
def test_a_tool_choice_is_read(choice: Any, read_as: Any, parallel: bool | None) -> None:
    request = read(body("Hi", tools=[TOOL], tool_choice=choice))

    assert (request.tool_choice, request.parallel_tool_calls) == (read_as, parallel)


def test_one_tool_can_be_chosen() -> None:
    choice = {"type": "tool", "name": "f", "disable_parallel_tool_use": True}

    request = read(body("Hi", tools=[TOOL], tool_choice=choice))

    assert isinstance(request.tool_choice, NamedTool)
    assert (request.tool_choice.name, request.parallel_tool_calls) == ("f", False)


def test_a_choice_of_an_unknown_kind_is_opaque() -> None:
    choice = {"type": "allowed", "names": ["f"]}

    found = read(body("Hi", tools=[TOOL], tool_choice=choice)).tool_choice

    assert found is not None
    assert not isinstance(found, str)
    assert isinstance(found.extra, Extra)
    assert found.extra.fields == {"names": ["f"]}


def test_a_choice_without_tools_is_none() -> None:
    assert read(body("Hi", tools=[], tool_choice={"type": "auto"})).tool_choice is None
