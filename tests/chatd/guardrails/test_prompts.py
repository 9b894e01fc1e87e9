"""The caller's new texts are checked, and masks take their place in every turn."""

from __future__ import annotations

import pytest

from chatd.canonical.content import Document, Image, Opaque, Text, ToolCall, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Completion, Message
from chatd.guardrails.prompts import fixed_texts, masked, texts_of

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


def test_a_request_without_masks_stays_the_same_object() -> None:
    request = ChatRequest("m", TURNS, completion=Completion(suffix="end"))

    assert masked(request, {"elsewhere": "*"}) is request


def test_the_suffix_of_a_completion_is_checked_and_masked() -> None:
    request = ChatRequest("m", TURNS[:2], completion=Completion(suffix="end"))

    assert texts_of(request, whole=False) == ("old", "end")
    completion = masked(request, {"end": "*"}).completion
    assert completion is not None
    assert completion.suffix == "*"


def opaque(kind: str, **fields: object) -> Opaque:
    return Opaque(kind, Extra("anthropic_messages", fields))


PART = {"type": "text", "text": "page"}
IMAGE = {"type": "image", "source": {"type": "base64", "data": "AAAA"}}


@pytest.mark.parametrize(
    ("block", "texts"),
    [
        (opaque("document", source={"type": "content", "content": "page"}), ("page",)),
        (opaque("document", source={"type": "content", "content": [PART, IMAGE]}), ("page",)),
        (opaque("document", source={"type": "file", "file_id": "f"}), ()),
        (opaque("search_result", source="https://h", title="t", content=[PART]), ("page",)),
        (opaque("search_result", content=[None, {"text": 7}]), ()),
        (opaque("container_upload", file_id="f"), ()),
    ],
    ids=["text", "blocks", "file", "search result", "malformed", "another kind"],
)
@pytest.mark.parametrize("in_result", [False, True])
def test_texts_of_anthropics_own_blocks_are_checked(
    block: Opaque, texts: tuple[str, ...], *, in_result: bool
) -> None:
    blocks = (ToolResult("c", (block,)),) if in_result else (block,)
    request = ChatRequest("m", (Message("user", blocks),))

    assert texts_of(request, whole=False) == texts
    assert tuple(fixed_texts(request)) == texts
