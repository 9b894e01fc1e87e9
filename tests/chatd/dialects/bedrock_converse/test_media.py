"""Images, documents and cache marks are written where Bedrock takes them."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Document, Image, Text
from chatd.canonical.extra import Extra
from chatd.canonical.request import Message
from tests.chatd.dialects.bedrock_converse.converse_requests import (
    CLAUDE,
    LLAMA,
    NOVA,
    assistant,
    call,
    chat,
    marked,
    omitted,
    result,
    user,
    written,
)

OFFICE = "application/vnd.openxmlformats-officedocument"
POINT = {"cachePoint": {"type": "default"}}
OLD_CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"


def content(*blocks: Any, model: str = CLAUDE) -> list[Any]:
    body = written(chat(user(*blocks), model=model))
    found: list[Any] = body["messages"][0]["content"]
    return found


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("png", "png"),
        ("jpeg", "jpeg"),
        ("jpg", "jpeg"),
        ("gif", "gif"),
        ("webp", "webp"),
        ("PNG", "png"),
    ],
)
def test_an_image_is_base64_in_its_format(kind: str, form: str) -> None:
    image = {"image": {"format": form, "source": {"bytes": "aGk="}}}

    assert content(Image(f"data:image/{kind};base64,aGk=")) == [image]


def test_an_image_of_a_tool_result_is_within_it() -> None:
    image = Image("data:image/png;base64,aGk=")
    body = written(chat(user("a"), assistant(call("a")), user(result("a", "one", image))))

    inner = body["messages"][-1]["content"][0]["toolResult"]["content"]
    assert [sorted(block) for block in inner] == [["text"], ["image"]]


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("application/pdf", "pdf"),
        ("text/csv", "csv"),
        ("application/msword", "doc"),
        (f"{OFFICE}.wordprocessingml.document", "docx"),
        ("application/vnd.ms-excel", "xls"),
        (f"{OFFICE}.spreadsheetml.sheet", "xlsx"),
        ("text/html", "html"),
        ("text/markdown", "md"),
        ("text/plain", "txt"),
        ("text/x-python", "txt"),
    ],
)
def test_a_document_has_its_format(kind: str, form: str) -> None:
    (document, _) = content(Document(f"data:{kind};base64,aGk="), "Read it.")

    expected = {"format": form, "name": "document", "source": {"bytes": "aGk="}}
    assert document == {"document": expected}


def test_a_document_of_text_is_a_file_of_text() -> None:
    (document, _) = content(Document(text="Grün"), "Read it.")

    assert document["document"]["format"] == "txt"
    assert document["document"]["source"]["bytes"] == b64encode("Grün".encode()).decode()


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["a.b_c  d"], ["a b c d"]),
        (["Report (1) [x]-y"], ["Report (1) [x]-y"]),
        (["é", None], ["document", "document (2)"]),
        (["a", "a (2)", "a", "a"], ["a", "a (2)", "a (3)", "a (4)"]),
        (["x" * 300, "x" * 300], ["x" * 192, "x" * 192 + " (2)"]),
    ],
)
def test_documents_have_names_that_bedrock_takes_each_once(
    titles: list[str | None], names: list[str]
) -> None:
    found = content(*(Document(text="x", title=title) for title in titles), "Read them.")

    assert [block["document"]["name"] for block in found[:-1]] == names


def test_a_turn_of_documents_alone_names_them_in_a_text() -> None:
    found = content(Document(text="x", title="a"), Document(text="y", title="b"))

    assert found[-1] == {"text": "a, b"}
    assert len(found) == 3


@pytest.mark.parametrize("model", [CLAUDE, NOVA])
def test_a_mark_is_a_cache_point_after_its_block(model: str) -> None:
    request = chat(user(marked(Text("a")), "b"), model=model)

    assert written(request)["messages"][0]["content"] == [{"text": "a"}, POINT, {"text": "b"}]
    assert omitted(request) == ()


def test_a_mark_of_the_system_prompt_and_of_a_turn_are_cache_points() -> None:
    mark = Extra("openai_chat", {"cache_control": {"type": "ephemeral"}})
    turns = (Message("system", (Text("s"),), extra=mark), user("a", "b", extra=mark))
    body = written(chat(*turns, model=CLAUDE))

    assert body["system"] == [{"text": "s"}, POINT]
    assert body["messages"][0]["content"] == [{"text": "a"}, {"text": "b"}, POINT]
    assert omitted(chat(*turns, model=CLAUDE)) == ()


def test_a_block_and_its_turn_have_one_cache_point() -> None:
    mark = Extra("anthropic_messages", {"cache_control": {"type": "ephemeral"}})

    body = written(chat(user(marked(Text("a")), extra=mark), model=CLAUDE))
    assert body["messages"][0]["content"] == [{"text": "a"}, POINT]


def test_a_mark_within_a_tool_result_follows_it() -> None:
    inner = marked(Text("one"))
    outer = replace(result("b", "two"), extra=inner.extra)
    turns = (
        user("a"),
        assistant(call("a"), call("b")),
        user(result("a", "x"), outer),
        user("y"),
    )

    found = written(chat(*turns, model=CLAUDE))["messages"][-1]["content"]
    assert [next(iter(block)) for block in found] == [
        *("toolResult", "toolResult", "cachePoint", "text"),
    ]
    within = (user("a"), assistant(call("a")), user(replace(result("a"), blocks=(inner,))))
    assert written(chat(*within, model=CLAUDE))["messages"][-1]["content"][-1] == POINT


@pytest.mark.parametrize(
    ("model", "ttl", "point"),
    [
        (CLAUDE, "1h", {"type": "default", "ttl": "1h"}),
        (CLAUDE, "5m", {"type": "default"}),
        (OLD_CLAUDE, "1h", {"type": "default"}),
        (NOVA, "1h", {"type": "default"}),
    ],
)
def test_a_lifetime_of_1_hour_is_for_models_that_have_it(model: str, ttl: str, point: Any) -> None:
    assert content(marked(Text("a"), ttl=ttl), model=model)[1] == {"cachePoint": point}


def test_a_mark_is_named_where_the_model_has_no_cache() -> None:
    request = chat(user(marked(Text("a"))), model=LLAMA)

    assert written(request)["messages"][0]["content"] == [{"text": "a"}]
    assert omitted(request) == ("messages.content.cache_control",)


@pytest.mark.parametrize("mark", [True, {"type": "other"}, "ephemeral"])
def test_another_mark_is_no_cache_point(mark: Any) -> None:
    text = Text("a", Extra("openai_chat", {"cache_control": mark}))

    assert content(text) == [{"text": "a"}]
