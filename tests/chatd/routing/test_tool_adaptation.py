"""A dialect that knows only functions gets joined names and wrapped custom tools."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace

import pytest

from chatd.canonical.content import Text, ToolCall, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import (
    AnyTool,
    ChatRequest,
    CustomTool,
    Message,
    NamedTool,
    OpaqueTool,
    Tool,
    ToolChoice,
)
from chatd.routing.tool_adaptation import adapted
from chatd.routing.tool_kinds import ALL_KINDS

NONE: frozenset[str] = frozenset()
PLAIN = Tool("read", "Reads.", {"type": "object"})
CLOSE = Tool("close_agent", "Closes.", {"type": "object"}, namespace="multi_agent_v1")
PATCH = CustomTool("apply_patch", "Patches.")
HOSTED = OpaqueTool("web_search", Extra("openai_responses", {}))
QUESTION = Message("user", (Text("Hi"),))


def request(
    *tools: AnyTool, calls: tuple[ToolCall, ...] = (), choice: ToolChoice | None = None
) -> ChatRequest:
    turns = (QUESTION, Message("assistant", calls)) if calls else (QUESTION,)
    return ChatRequest("m", turns, tools=tools, tool_choice=choice)


def names(*tools: AnyTool, kinds: frozenset[str] = NONE) -> list[str]:
    found, _, _ = adapted(request(*tools), kinds)
    return [tool.name for tool in found.tools if not isinstance(tool, OpaqueTool)]


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (request(PLAIN, HOSTED, calls=(ToolCall("1", "read", "{}"),)), NONE),
        (request(CLOSE, PATCH), ALL_KINDS),
        (request(CLOSE), frozenset({"namespace"})),
        (request(PATCH), frozenset({"custom"})),
        (request(), NONE),
    ],
)
def test_a_request_without_a_lacking_kind_is_the_same_one(
    given: ChatRequest, kinds: frozenset[str]
) -> None:
    found, answers, dropped = adapted(given, kinds)

    assert found is given
    assert answers is None
    assert dropped == ()


def test_a_tool_of_a_namespace_gets_a_joined_name() -> None:
    found, _, dropped = adapted(request(PLAIN, CLOSE, HOSTED), NONE)

    first, second, third = found.tools
    assert first is PLAIN
    assert third is HOSTED
    assert isinstance(second, Tool)
    assert (second.name, second.namespace) == ("multi_agent_v1__close_agent", None)
    assert (second.description, second.parameters) == (CLOSE.description, CLOSE.parameters)
    assert found.messages[0] is QUESTION
    assert dropped == ()


def test_a_custom_tool_becomes_a_function_of_one_text() -> None:
    found, _, dropped = adapted(request(PATCH), NONE)

    (tool,) = found.tools
    assert isinstance(tool, Tool)
    assert (tool.name, tool.description) == ("apply_patch", "Patches.")
    assert tool.parameters is not None
    assert (tool.parameters["required"], list(tool.parameters["properties"])) == (
        ["input"],
        ["input"],
    )
    assert dropped == ()


@pytest.mark.parametrize(("syntax", "word"), [("lark", "Lark"), ("regex", "regex")])
def test_the_grammar_of_a_custom_tool_is_described_and_named_as_dropped(
    syntax: str, word: str
) -> None:
    form = {"type": "grammar", "syntax": syntax, "definition": "start: A"}

    found, _, dropped = adapted(request(replace(PATCH, format=form)), NONE)

    (tool,) = found.tools
    assert isinstance(tool, Tool)
    assert tool.description == f"Patches.\n\nThe input follows this {word} grammar:\nstart: A"
    assert dropped == ("tools.format",)


def test_a_custom_tool_of_a_namespace_keeps_its_kind_where_only_namespaces_lack() -> None:
    found, _, _ = adapted(request(replace(PATCH, namespace="ns")), frozenset({"custom"}))

    (tool,) = found.tools
    assert isinstance(tool, CustomTool)
    assert (tool.name, tool.namespace) == ("ns__apply_patch", None)


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("ns", "x" * 128), ("n" * 200, "x"), ("a.b c", "d/ö"), ("", ""), ("ns", "\ud800" * 70)],
)
def test_a_joined_name_has_at_most_64_characters_that_every_provider_takes(
    namespace: str, name: str
) -> None:
    tool = Tool(name, namespace=namespace)

    (written,) = names(tool)

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", written)
    assert names(tool) == [written]


def test_joined_names_are_unlike_each_other_and_all_plain_names() -> None:
    tools = [
        Tool("b__c", namespace="a"),
        Tool("c", namespace="a__b"),
        Tool("c", namespace="a.b"),
        Tool("a__b__c"),
        *(Tool("x" * 128, namespace=f"n{n}") for n in range(100)),
        *(Tool("x" * n, namespace="y") for n in range(100, 128)),
    ]

    written = names(*tools)

    assert len(set(written)) == len(tools)
    assert written[3] == "a__b__c"
    assert names(*tools) == written


def test_calls_in_the_conversation_get_the_names_and_kinds_of_their_tools() -> None:
    calls = (
        ToolCall("1", "close_agent", '{"id": 1}', namespace="multi_agent_v1"),
        ToolCall("2", "apply_patch", '*** "ö"\n', "custom"),
        ToolCall("3", "read", "{}"),
    )

    found, _, _ = adapted(request(PLAIN, CLOSE, PATCH, calls=calls), NONE)

    closed, patched, read = found.messages[1].tool_calls
    assert found.messages[0] is QUESTION
    assert (closed.name, closed.namespace) == ("multi_agent_v1__close_agent", None)
    assert (patched.name, patched.kind) == ("apply_patch", "function")
    assert json.loads(patched.arguments) == {"input": '*** "ö"\n'}
    assert read is calls[2]


def test_a_conversation_without_its_tools_is_adapted_too() -> None:
    calls = (ToolCall("1", "f", "{}", namespace="ns"), ToolCall("2", "g", "x", "custom"))
    given = request(calls=calls)

    found, answers, _ = adapted(given, NONE)

    assert [call.name for call in found.messages[1].tool_calls] == ["ns__f", "g"]
    assert answers is not None
    assert found.tools is given.tools


def test_a_result_is_unchanged() -> None:
    result = Message("tool", (ToolResult("1", (Text("12"),)),))

    found, _, _ = adapted(replace(request(PATCH), messages=(QUESTION, result)), NONE)

    assert found.messages[1] is result


@pytest.mark.parametrize(
    ("choice", "written"),
    [
        (NamedTool("close_agent"), "multi_agent_v1__close_agent"),
        (NamedTool("apply_patch"), "apply_patch"),
        (NamedTool("read"), "read"),
        (NamedTool("absent"), "absent"),
    ],
)
def test_a_forced_tool_is_forced_by_its_written_name(choice: NamedTool, written: str) -> None:
    same = Tool("read", namespace="ns")

    found, _, _ = adapted(request(PLAIN, same, CLOSE, PATCH, choice=choice), NONE)

    assert isinstance(found.tool_choice, NamedTool)
    assert found.tool_choice.name == written
    assert (found.tool_choice is choice) == (choice.name == written)


def test_the_choice_of_no_tool_in_particular_stays() -> None:
    assert adapted(request(CLOSE, choice="required"), NONE)[0].tool_choice == "required"


def test_2000_tools_of_one_long_name_take_little_time() -> None:
    tools = [Tool("x" * 128, namespace="n" * n) for n in range(2000)]

    started = time.process_time()
    written = names(*tools)

    assert len(set(written)) == len(tools)
    assert time.process_time() - started < 2
