"""Turns alternate, and each call is answered once, in order, in the turn after it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.canonical.content import Document, Image, Opaque, Refusal, Text, Thinking, ToolCall
from chatd.canonical.extra import Extra
from chatd.canonical.request import Message
from chatd.errors import InvalidRequestError, RequestTooLargeError
from tests.chatd.dialects.bedrock_converse.converse_requests import (
    CLAUDE,
    LLAMA,
    NEW_CLAUDE,
    NOVA,
    OTHER,
    WEATHER,
    assistant,
    call,
    chat,
    omitted,
    result,
    system,
    user,
    written,
)

PNG = "data:image/png;base64,aGk="


def turns(*messages: Message, model: str = OTHER) -> list[tuple[str, list[Any]]]:
    body = written(chat(*messages, model=model))
    return [(turn["role"], turn["content"]) for turn in body["messages"]]


def answered(id_: str, text: str = "(empty)") -> dict[str, Any]:
    return {"toolResult": {"toolUseId": id_, "content": [{"text": text}]}}


def test_turns_of_one_side_are_merged() -> None:
    assert turns(user("a"), user("b"), assistant("c"), assistant("d"), user("e")) == [
        ("user", [{"text": "a"}, {"text": "b"}]),
        ("assistant", [{"text": "c"}, {"text": "d"}]),
        ("user", [{"text": "e"}]),
    ]


def test_leading_system_turns_are_the_system_prompt_and_later_ones_a_user_turn() -> None:
    body = written(chat(system("a"), Message("developer", (Text("b"),)), user("c"), system("d")))

    assert body["system"] == [{"text": "a"}, {"text": "b"}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "c"}, {"text": "d"}]}]


def test_a_system_prompt_alone_becomes_a_user_turn() -> None:
    body = written(chat(system("a"), system("b")))

    assert body["system"] == [{"text": "a"}]
    assert body["messages"] == [{"role": "user", "content": [{"text": "b"}]}]


def test_blank_texts_are_left_out_and_their_turns_too() -> None:
    assert turns(user("a", " "), assistant("\n"), user("", "b")) == [
        ("user", [{"text": "a"}, {"text": "b"}])
    ]
    assert "system" not in written(chat(system(" "), user("a")))


def test_a_conversation_without_content_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no content") as refused:
        written(chat(user(" ")))

    assert refused.value.param == "messages"


def test_results_come_first_in_the_order_of_their_calls() -> None:
    found = turns(
        user("go"),
        assistant("I look.", call("a"), call("b")),
        Message("tool", (result("b", "two"),)),
        Message("tool", (result("a", "one"),)),
        user("Compare."),
        model=CLAUDE,
    )

    calls: list[dict[str, Any]] = [
        {"toolUse": {"toolUseId": id_, "name": "weather", "input": {}}} for id_ in ("a", "b")
    ]
    assert found[1:] == [
        ("assistant", [{"text": "I look."}, *calls]),
        ("user", [answered("a", "one"), answered("b", "two"), {"text": "Compare."}]),
    ]


@pytest.mark.parametrize("model", [LLAMA, OTHER])
def test_a_text_beside_results_goes_into_the_last_one_for_models_that_refuse_both(
    model: str,
) -> None:
    found = turns(user("go"), assistant(call("a")), user(result("a", "one"), "And?"), model=model)

    content = [{"text": "one"}, {"text": "And?"}]
    assert found[-1] == ("user", [{"toolResult": {"toolUseId": "a", "content": content}}])


def test_an_empty_result_has_a_text() -> None:
    found = turns(user("go"), assistant(call("a")), user(result("a", " ")))

    assert found[-1] == ("user", [answered("a")])


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ((user("go"), assistant(call("a")), user("And?")), "messages.2"),
        ((user("go"), assistant(call("a"))), "messages.1"),
        ((user("go"), assistant(call("a")), user(" "), assistant(call("b"))), "messages.2"),
        (
            (user("go"), assistant(call("a"), call("b")), user(result("a", "one")), user("x")),
            "messages.2",
        ),
        ((user("go"), user(result("a", "one"))), "messages.0"),
        ((user("go"), assistant(call("a")), user(result("a"), result("a"))), "messages.2"),
        (
            (
                user("go"),
                assistant(call("a")),
                user(result("a")),
                assistant("x"),
                user(result("a")),
            ),
            "messages.4",
        ),
    ],
    ids=range(7),
)
def test_a_call_without_its_result_and_a_result_without_its_call_are_refused(
    messages: tuple[Message, ...], place: str
) -> None:
    with pytest.raises(InvalidRequestError, match="tool") as refused:
        written(chat(*messages))

    assert refused.value.param == place


def test_ids_of_calls_are_fitted_and_made_unique() -> None:
    long = "x" * 70
    body = written(
        chat(
            user("go"),
            assistant(call("call_0"), call(long)),
            user(result("call_0"), result(long)),
            assistant(call("call_0"), call("functions.f:é")),
            user(result("call_0"), result("functions.f:é")),
        )
    )

    used = [
        [block[kind]["toolUseId"] for block in turn["content"] if kind in block]
        for turn, kind in zip(body["messages"][1:], ["toolUse", "toolResult"] * 2, strict=True)
    ]
    assert used[0] == used[1] == ["call_0", "x" * 64]
    assert used[2] == used[3] == ["call_0_2", "functions_f__"]


def test_a_failed_result_has_a_status_where_the_model_takes_one() -> None:
    failed = (user("go"), assistant(call("a")), user(result("a", "no", is_error=True)))

    for model in (CLAUDE, NOVA):
        assert turns(*failed, model=model)[-1][1][0]["toolResult"]["status"] == "error"
        assert omitted(chat(*failed, model=model, tools=(WEATHER,))) == ()
    assert "status" not in turns(*failed, model=LLAMA)[-1][1][0]["toolResult"]
    assert omitted(chat(*failed, model=LLAMA)) == ("messages.content.is_error",)


def test_thinking_goes_back_with_its_signature_alone() -> None:
    history = (
        user("go"),
        assistant(Thinking("a", "c2ln"), Thinking(redacted="YQ=="), Thinking("b"), "Yes."),
        user("And?"),
    )

    assert turns(*history, model=CLAUDE)[1][1] == [
        {"reasoningContent": {"reasoningText": {"text": "a", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "YQ=="}},
        {"text": "Yes."},
    ]
    assert omitted(chat(*history)) == ("messages.content.thinking",)


def test_a_refusal_is_a_text() -> None:
    assert turns(user("a"), assistant(Refusal("no")), user("b"))[1] == (
        "assistant",
        [{"text": "no"}],
    )


@pytest.mark.parametrize("before", [(), (user(" "),)], ids=["greeting", "empty user turn"])
def test_a_user_turn_comes_before_an_assistant_turn_that_is_first(before: tuple[Message]) -> None:
    assert turns(*before, assistant("Hello!"), user("a")) == [
        ("user", [{"text": "Begin."}]),
        ("assistant", [{"text": "Hello!"}]),
        ("user", [{"text": "a"}]),
    ]


def test_a_prefill_that_is_continued_is_named() -> None:
    prefilled = (user("a"), assistant("So: "))

    assert omitted(chat(*prefilled, model=NEW_CLAUDE)) == ("messages.prefill",)
    assert omitted(chat(*prefilled, model=CLAUDE)) == ()
    assert omitted(chat(user("a"), model=NEW_CLAUDE)) == ()


def test_a_prefill_ends_without_white_space_or_is_continued() -> None:
    assert turns(user("a"), assistant("So: \n"), model=NOVA)[-1] == (
        "assistant",
        [{"text": "So:"}],
    )
    assert turns(user("a"), assistant("So: "), model=NEW_CLAUDE)[-2:] == [
        ("assistant", [{"text": "So: "}]),
        ("user", [{"text": "Continue."}]),
    ]


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (Message("function", (Text("x"),)), "messages.0.role"),
        (Message("system", (Image(PNG),)), "messages.0"),
        (user(Opaque("input_audio", Extra("openai_chat", {"input_audio": {}}))), "messages.0"),
        (user(Image("https://example.org/a.png")), "messages.0.image_url.url"),
        (user(Image("data:image/tiff;base64,aGk=")), "messages.0.image_url.url"),
        (user(Image("data:image/png,hi")), "messages.0.image_url.url"),
        (user(Document("https://example.org/a.pdf")), "messages.0.file.file_data"),
        (user(Document("data:application/zip;base64,aGk=")), "messages.0.file.file_data"),
        (assistant(ToolCall("a", "f", "[]")), "messages.0.tool_calls"),
        (assistant(ToolCall("a", "f", "{")), "messages.0.tool_calls"),
        (assistant(ToolCall("a", "f", "x", kind="custom")), "messages.0.tool_calls"),
    ],
    ids=range(11),
)
def test_what_bedrock_lacks_is_refused_by_its_place(message: Message, place: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        written(chat(message, user("x")))

    assert refused.value.param == place
    assert "example.org" not in refused.value.message


def test_arguments_of_too_many_values_are_refused() -> None:
    arguments = '{"a":[' + ",".join("0" * 250_001) + "]}"

    with pytest.raises(RequestTooLargeError):
        written(chat(user("go"), assistant(call("a", arguments=arguments)), user(result("a"))))


BLOCKS = st.one_of(
    st.text(max_size=4).map(Text),
    st.builds(Thinking, st.text(max_size=3), st.none() | st.just("c2ln")),
    st.just(Image(PNG)),
    st.builds(Document, text=st.text(max_size=3), title=st.none() | st.text(max_size=9)),
    st.builds(call, st.sampled_from(["a", "b", "é", "x" * 70]), st.just("weather")),
    st.builds(result, st.sampled_from(["a", "b", "é"]), st.text(max_size=3)),
)
TURNS = st.builds(
    Message,
    st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
    st.lists(BLOCKS, max_size=3).map(tuple),
)


@settings(max_examples=150)
@given(st.lists(TURNS, min_size=1, max_size=5), st.sampled_from([CLAUDE, NOVA, LLAMA, OTHER]))
def test_any_conversation_fits_the_service_model_or_is_refused(
    messages: list[Message], model: str
) -> None:
    try:
        body = written(chat(*messages, model=model))
    except InvalidRequestError:
        return
    roles = [turn["role"] for turn in body["messages"]]
    assert all(one != two for one, two in pairwise(roles))
    assert all(turn["content"] for turn in body["messages"])
