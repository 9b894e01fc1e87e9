"""A dialect that takes few names of tools gets shorter ones, and the caller its own back."""

from __future__ import annotations

import re

import pytest

from chatd.canonical.content import Text, ToolCall, ToolResult
from chatd.canonical.events import Delta, Frame, ToolCallDelta
from chatd.canonical.request import ChatRequest, Message, NamedTool, Tool
from chatd.routing.tool_adaptation import adapted

NONE: frozenset[str] = frozenset()
ANY = frozenset({"any_name"})
LONG = "mcp__plugin_" + "x" * 80
LONGER = LONG + "y"


def chat(*names: str) -> ChatRequest:
    turns = (
        Message("user", (Text("go"),)),
        Message("assistant", (ToolCall("a", names[0], "{}"),)),
        Message("user", (ToolResult("a"),)),
    )
    return ChatRequest("m", turns, tools=tuple(map(Tool, names)), tool_choice=NamedTool(names[0]))


@pytest.mark.parametrize("name", [LONG, "a.b", "ä", "a b", "x/y"])
def test_a_name_that_is_refused_is_replaced_everywhere_and_turned_back(name: str) -> None:
    found, answers, dropped = adapted(chat(name, "read"), NONE)

    first, second = (tool.name for tool in found.tools if isinstance(tool, Tool))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", first)
    assert second == "read"
    assert found.messages[1].tool_calls[0].name == first
    assert isinstance(found.tool_choice, NamedTool)
    assert found.tool_choice.name == first
    assert dropped == ()
    assert answers is not None
    frame = Frame((Delta(tool_calls=(ToolCallDelta(0, "b", first, "{}"),)),))
    (event,) = next(answers.frames(iter([frame]))).events
    assert isinstance(event, Delta)
    assert event.tool_calls[0].name == name


def test_names_of_one_beginning_stay_different() -> None:
    found, _, _ = adapted(chat(LONG, LONGER, "a.b", "a_b"), NONE)

    names = [tool.name for tool in found.tools if isinstance(tool, Tool)]
    assert len(set(names)) == 4
    assert names[3] == "a_b"


def test_a_name_of_the_history_alone_is_replaced() -> None:
    request = chat(LONG)
    request.tools, request.tool_choice = (), None

    found, _, _ = adapted(request, NONE)

    assert len(found.messages[1].tool_calls[0].name) == 64


def test_a_dialect_that_takes_any_name_gets_the_request_unchanged() -> None:
    request = chat(LONG, "a.b")

    assert adapted(request, ANY) == (request, None, ())
