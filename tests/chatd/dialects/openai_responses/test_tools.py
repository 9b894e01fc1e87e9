"""Tools of every kind, as OpenAI's Responses dialect has them."""

from __future__ import annotations

from typing import Any

from chatd.canonical.content import Opaque
from chatd.canonical.extra import Extra
from chatd.canonical.request import CustomTool, OpaqueTool, Tool
from chatd.dialects.openai_responses import tools
from tests.chatd.dialects.openai_responses.requests import OWN, chat, of, own

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
GRAMMAR = {"syntax": "lark", "definition": "start: x"}


def test_a_function_of_another_dialect_is_not_strict_unless_it_says_so() -> None:
    given = (Tool("f", "Does f.", SCHEMA), Tool("g", strict=True))

    assert tools.tools(of("openai_chat", tools=given)) == [
        {
            "type": "function",
            "name": "f",
            "description": "Does f.",
            "parameters": SCHEMA,
            "strict": False,
        },
        {
            "type": "function",
            "name": "g",
            "parameters": {"type": "object", "properties": {}},
            "strict": True,
        },
    ]


def test_a_function_of_this_dialect_gets_no_field() -> None:
    given = Tool("f", extra=Extra(OWN, {"defer_loading": True}))

    assert tools.tools(own({}, tools=(given,))) == [
        {"type": "function", "name": "f", "defer_loading": True}
    ]


def test_custom_tools_have_the_grammar_beside_its_type() -> None:
    flat = CustomTool("a", "Does a.", {"type": "grammar", **GRAMMAR})
    nested = CustomTool("b", format={"type": "grammar", "grammar": GRAMMAR})

    assert tools.tools(chat(tools=(flat, nested, CustomTool("c", format={"type": "text"})))) == [
        {
            "type": "custom",
            "name": "a",
            "description": "Does a.",
            "format": {"type": "grammar", **GRAMMAR},
        },
        {"type": "custom", "name": "b", "format": {"type": "grammar", **GRAMMAR}},
        {"type": "custom", "name": "c", "format": {"type": "text"}},
    ]


def test_the_tools_of_a_namespace_stand_together_with_its_fields() -> None:
    described: dict[str, Any] = {"namespace": {"description": "Agents.", "x": 1}}
    hosted = OpaqueTool("hosted", Extra(OWN, {"y": 2}, {"in": {"namespace": "ns"}}))
    given = (
        Tool("f", extra=Extra(OWN, {}, described), namespace="ns"),
        Tool("alone"),
        CustomTool("patch", namespace="ns"),
        hosted,
        Tool("g", namespace="other"),
    )

    assert tools.tools(own({}, tools=given)) == [
        {
            "type": "namespace",
            "name": "ns",
            "description": "Agents.",
            "x": 1,
            "tools": [
                {"type": "function", "name": "f"},
                {"type": "custom", "name": "patch"},
                {"type": "hosted", "y": 2},
            ],
        },
        {"type": "function", "name": "alone"},
        {
            "type": "namespace",
            "name": "other",
            "description": "",
            "tools": [{"type": "function", "name": "g"}],
        },
    ]


def test_a_hosted_tool_is_written_by_its_own_dialect_alone() -> None:
    own_search = OpaqueTool("web_search", Extra(OWN, {"external_web_access": False}))
    other = OpaqueTool("web_search_20250305", Extra("anthropic_messages", {"name": "web_search"}))

    assert tools.tools(chat(tools=(own_search, other))) == [
        {"type": "web_search", "external_web_access": False}
    ]


def test_a_choice_of_another_kind_is_written_by_its_own_dialect_alone() -> None:
    hosted = Opaque("web_search", Extra(OWN, {"x": 1}))

    assert tools.tool_choice(chat(tool_choice=hosted)) == {"type": "web_search", "x": 1}
    assert tools.tool_choice(chat(tool_choice=Opaque("", Extra(OWN, {"x": 1})))) == {"x": 1}
    assert tools.tool_choice(chat(tool_choice=Opaque("any", Extra("openai_chat", {})))) is None


def test_an_unnamed_field_of_the_format_is_written_by_its_own_dialect() -> None:
    extra = Extra(OWN, {"x": 1})

    assert tools.text_format(chat(format="json", format_extra=extra)) == {
        "type": "json_object",
        "x": 1,
    }
    assert tools.text_format(chat(format_extra=extra)) == {"type": "text", "x": 1}
    assert tools.text_format(chat()) is None
