"""The caller's new texts are checked, and masks take their place in every turn."""

from __future__ import annotations

import pytest

from chatd.canonical.content import Document, Image, Text, ToolCall, ToolResult
from chatd.canonical.request import ChatRequest, Message
from chatd.guardrails.prompts import masked, texts_of

RESULT = ToolResult("c", (Text("result"), Image("data:,")))
TURNS = (
    Message("system", (Text("system"),)),
    Message("user", (Text("old"),)),
    Message("assistant", (Text("answer"), ToolCall("c", "f", "{}"))),
    Message("tool", (RESULT,)),
    Message("user", (Text("new"), Document(text="page"), Text(" "), Text("new"))),
)


@pytest.mark.parametrize(
    ("turns", "whole", "texts"),
    [
        (TURNS, False, ("result", "new", "page")),
        (TURNS, True, ("system", "old", "answer", "result", "new", "page")),
        (TURNS[:2], False, ("old",)),
        (TURNS[:3], False, ("old",)),  # the assistant's turn is a prefill
        (TURNS[:1], False, ()),
    ],
)
def test_the_texts_that_are_checked(
    turns: tuple[Message, ...], texts: tuple[str, ...], *, whole: bool
) -> None:
    assert texts_of(ChatRequest("m", turns), whole=whole) == texts


def test_masks_replace_texts_and_leave_other_turns_as_they_are() -> None:
    request = ChatRequest("m", TURNS)
    found = masked(request, {"new": "*", "page": "**", "result": "***"})

    assert texts_of(found, whole=False) == ("***", "*", "**")
    assert [one is other for one, other in zip(found.messages, TURNS, strict=True)] == [
        *(True, True, True, False, False)
    ]
