"""Tools and the choice of one are written for each vendor's models."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.extra import Extra
from chatd.canonical.request import NamedTool, Tool
from chatd.errors import InvalidRequestError
from tests.chatd.dialects.bedrock_converse.converse_requests import (
    CLAUDE,
    MISTRAL,
    NOVA,
    OTHER,
    WEATHER,
    assistant,
    call,
    chat,
    omitted,
    result,
    user,
    written,
)

TIME = Tool("time", None, None)
HISTORY = (
    user("go"),
    assistant(call("a", "old"), call("b", "older")),
    user(result("a"), result("b")),
)
STRICT = Tool(
    "f",
    "",
    {"type": "object", "properties": {}, "additionalProperties": False},
    strict=True,
)


def config(**more: Any) -> Any:
    return written(chat(**more)).get("toolConfig")


def names(found: Any) -> list[str]:
    return [tool["toolSpec"]["name"] for tool in found["tools"]]


def test_a_tool_has_a_schema_and_a_description_that_is_not_empty() -> None:
    assert config(tools=(WEATHER, TIME)) == {
        "tools": [
            {
                "toolSpec": {
                    "name": "weather",
                    "inputSchema": {"json": {"type": "object", "properties": {}}},
                    "description": "Get the weather.",
                }
            },
            {
                "toolSpec": {
                    "name": "time",
                    "inputSchema": {"json": {"type": "object", "properties": {}}},
                }
            },
        ]
    }


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        ("auto", None),
        ("required", {"any": {}}),
        (NamedTool("time"), {"tool": {"name": "time"}}),
    ],
)
def test_a_choice_is_written_but_for_the_default(choice: Any, sent: Any) -> None:
    found = config(tools=(WEATHER, TIME), tool_choice=choice)

    assert found.get("toolChoice") == sent
    assert names(found) == ["weather", "time"]


def test_a_named_tool_is_the_only_one_for_mistral() -> None:
    found = config(tools=(WEATHER, TIME), tool_choice=NamedTool("time"), model=MISTRAL)

    assert found["toolChoice"] == {"any": {}}
    assert names(found) == ["time"]


def test_no_tool_is_offered_where_none_may_be_called() -> None:
    assert config(tools=(WEATHER,), tool_choice="none") is None
    assert omitted(chat(tools=(WEATHER,), tool_choice="none")) == ()


def test_the_tools_of_the_history_are_listed_where_none_is_offered() -> None:
    assert names(written(chat(*HISTORY))["toolConfig"]) == ["old", "older"]
    forbidden = chat(*HISTORY, tools=(WEATHER,), tool_choice="none")
    assert names(written(forbidden)["toolConfig"]) == ["old", "older"]
    assert "toolChoice" not in written(forbidden)["toolConfig"]
    assert omitted(forbidden) == ("tool_choice",)


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "a.b"])
def test_a_name_that_bedrock_refuses_is_refused_by_its_place(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 64 letters") as refused:
        config(tools=(WEATHER, Tool(name)))

    assert refused.value.param == "tools.1.function.name"


def test_a_strict_tool_is_so_for_models_that_enforce_schemas() -> None:
    for model in (CLAUDE, OTHER):
        request = chat(tools=(STRICT,), model=model)
        assert written(request)["toolConfig"]["tools"][0]["toolSpec"]["strict"] is True
        assert omitted(request) == ()
    request = chat(tools=(STRICT,), model=NOVA)
    assert "strict" not in written(request)["toolConfig"]["tools"][0]["toolSpec"]
    assert omitted(request) == ("tools.strict",)


def test_a_strict_tool_of_another_schema_is_named() -> None:
    loose = Tool("f", None, {"type": "object", "properties": {}}, strict=True)

    assert omitted(chat(tools=(loose,), model=CLAUDE)) == ("tools.strict",)


def test_a_ban_of_parallel_calls_is_named_where_there_are_tools() -> None:
    assert omitted(chat(parallel_tool_calls=False)) == ()
    assert omitted(chat(parallel_tool_calls=False, tools=(WEATHER,))) == ("parallel_tool_calls",)


def test_a_mark_of_a_tool_is_a_cache_point_for_claude() -> None:
    extra = Extra("anthropic_messages", {"cache_control": {"type": "ephemeral"}})
    marked = Tool("f", extra=extra)

    tools = config(tools=(marked, TIME), model=CLAUDE)["tools"]
    assert tools[1] == {"cachePoint": {"type": "default"}}
    assert omitted(chat(tools=(marked,), model=CLAUDE)) == ()
    for model in (NOVA, OTHER):
        assert len(config(tools=(marked,), model=model)["tools"]) == 1
        assert omitted(chat(tools=(marked,), model=model)) == ("tools.cache_control",)
