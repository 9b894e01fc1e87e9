"""A refused hint is left out once, and named; any other refusal stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Message, Sampling
from chatd.config.catalog import CATALOG
from chatd.errors import UpstreamRefusedError
from tests.chatd.dialects.openai_responses.requests import (
    DIALECT,
    HI,
    ROW,
    THINKS,
    body_of,
    chat,
    of,
    own,
)

CHAT, ANTHROPIC = "openai_chat", "anthropic_messages"
UNVERIFIED = "it answered 400: The encrypted content gAAA...DQ== could not be verified."
NO_EFFORT = "it answered 400: Unsupported parameter: 'reasoning.effort' is not supported"
NO_SUMMARY = "Your organization must be verified to generate reasoning summaries."
NO_TEMPERATURE = "Unsupported parameter: 'temperature' is not supported with this model."
NOT_STORED = "Item with id 'msg_1' not found. Items are not persisted when `store` is set to false."
NO_ENCRYPTED = "Encrypted content is not supported with this model."


def no_value(value: str) -> str:
    return f"Unsupported value: '{value}' is not supported with the 'm' model. Supported values: …"


def relaxed(request: ChatRequest, words: str, code: str | None = None) -> tuple[Any, str]:
    found = DIALECT.relaxed(request, UpstreamRefusedError(words, code=code))
    assert found is not None
    return found


THOUGHT = Message("assistant", (Thinking("Hm.", "gAAA"), Text("Hello.")))
SEALED = Message("assistant", (Thinking("", "gAAA"), Text("Hello.")))


@pytest.mark.parametrize("words", [UNVERIFIED, "encrypted_content … cannot be decrypted"])
def test_encrypted_reasoning_that_is_refused_is_left_out(words: str) -> None:
    request, name = relaxed(of(ANTHROPIC, HI, THOUGHT, SEALED), words)

    assert name == "messages.content.signature"
    assert [item["type"] for item in body_of(request)["input"]] == ["message"] * 3
    assert request.messages[0] is HI


def test_a_code_tells_refused_encrypted_reasoning_too() -> None:
    items = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "encrypted_content": "gAAA", "summary": [], "x_new": 1},
        {"role": "assistant", "content": "Hello.", "x_new": 2},
    ]
    request = own({"input": items}, HI, SEALED)
    assert request.source is not None
    request = replace(request, source=replace(request.source, owners=(0, 1, 1)))

    found, name = relaxed(request, "no", "invalid_encrypted_content")

    assert name == "input.encrypted_content"
    sent = body_of(found)["input"]
    assert sent[0] == items[0]
    assert [item.get("type") for item in sent] == [None, "message"]


def test_a_model_that_cannot_think_gets_no_effort_summary_and_encrypted_reasoning() -> None:
    reasoning = {"effort": "low", "summary": "auto"}
    include = ["reasoning.encrypted_content", "x"]
    forwarded, own_name = relaxed(own({"reasoning": reasoning, "include": include}), NO_EFFORT)
    written, name = relaxed(of(CHAT, think="low"), NO_EFFORT)

    assert body_of(forwarded) == {"model": "m", "input": "Hi", "include": ["x"], "store": False}
    assert own_name == "reasoning"
    assert body_of(written).keys() == {"model", "input", "store"}
    assert name == "reasoning_effort"
    assert relaxed(of(ANTHROPIC, think=True), NO_EFFORT)[1] == "thinking"


def test_an_effort_that_the_model_lacks_is_left_out() -> None:
    forwarded, _ = relaxed(own({"reasoning": {"effort": "none"}}), no_value("none"))
    written, name = relaxed(of(CHAT, think="xhigh"), no_value("xhigh"))

    assert "reasoning" not in body_of(forwarded)
    assert ("reasoning" in body_of(written), name) == (False, "reasoning_effort")


def test_a_verbosity_that_the_model_lacks_is_left_out_and_the_effort_stays() -> None:
    text = {"verbosity": "low", "format": {"type": "text"}}
    sent = own({"text": text, "reasoning": {"effort": "high"}})
    forwarded, own_name = relaxed(sent, no_value("low"))
    extra = Extra(CHAT, {"verbosity": "low", "user": "u"})
    written, name = relaxed(of(CHAT, think="high", extra=extra), no_value("low"))

    assert body_of(forwarded)["text"] == {"format": {"type": "text"}}
    assert body_of(forwarded)["reasoning"] == {"effort": "high"}
    assert "text" not in body_of(written)
    assert (body_of(written)["user"], body_of(written)["reasoning"]["effort"]) == ("u", "high")
    assert (own_name, name) == ("text.verbosity", "verbosity")


def test_a_summary_that_is_refused_is_left_out_and_the_effort_stays() -> None:
    sent = own({"reasoning": {"effort": "low", "summary": "auto"}})
    forwarded, own_name = relaxed(sent, NO_SUMMARY)
    written, name = relaxed(of(CHAT, think="low", model="t-1"), NO_SUMMARY)
    adaptive, _ = relaxed(of(ANTHROPIC, think="adaptive", model="t-1"), NO_SUMMARY)
    plain, _ = relaxed(of(ANTHROPIC, think=True, model="t-1"), NO_SUMMARY)

    assert body_of(forwarded)["reasoning"] == {"effort": "low"}
    assert body_of(written, THINKS)["reasoning"] == {"effort": "low"}
    assert "reasoning" not in body_of(adaptive, THINKS)
    assert body_of(plain, THINKS)["reasoning"] == {"effort": "medium"}
    assert (own_name, name) == ("reasoning.summary", "thinking.summary")


@pytest.mark.parametrize(("field", "other"), [("temperature", "top_p"), ("top_p", "temperature")])
def test_a_temperature_that_is_refused_is_left_out(field: str, other: str) -> None:
    words = NO_TEMPERATURE.replace("temperature", field)
    sampling = Sampling(temperature=0.5, top_p=0.5)
    sent = own({"temperature": 0.5, "top_p": 0.5}, sampling=sampling)
    forwarded, own_name = relaxed(sent, words)
    written, name = relaxed(chat(sampling=sampling), words)

    for request in (forwarded, written):
        assert field not in body_of(request)
        assert body_of(request)[other] == 0.5
    assert own_name == name == field


def test_the_ids_of_items_that_are_not_stored_are_left_out() -> None:
    items = [{"role": "user", "content": "Hi", "id": "msg_1"}, {"role": "user", "content": "x"}]

    found, name = relaxed(own({"input": items}), NOT_STORED)

    assert body_of(found)["input"] == [{"role": "user", "content": "Hi"}, items[1]]
    assert name == "input.id"


def test_encrypted_reasoning_is_not_requested_of_a_model_that_lacks_it() -> None:
    include = ["reasoning.encrypted_content", "x"]

    found, name = relaxed(own({"include": include}), NO_ENCRYPTED)

    assert (body_of(found)["include"], name) == (["x"], "include")
    assert relaxed(of(CHAT, think="low"), NO_ENCRYPTED)[1] == "reasoning_effort"


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (chat(), UNVERIFIED),
        (chat(), NO_EFFORT),
        (chat(), NO_SUMMARY),
        (chat(), NO_TEMPERATURE),
        (chat(), NOT_STORED),
        (chat(), NO_ENCRYPTED),
        (chat(), no_value("low")),
        (own({}), NO_EFFORT),
        (own({}), NO_SUMMARY),
        (own({}), NOT_STORED),
        (own({"input": [{"role": "user", "content": "Hi"}]}), NOT_STORED),
        (own({}), NO_ENCRYPTED),
        (own({}), NO_TEMPERATURE),
        (own({}), UNVERIFIED),
        (own({}), no_value("low")),
        (chat(think="low", think_required=True), NO_EFFORT),
        (of(CHAT, think="low"), "it answered 400: input is too short"),
        (of(CHAT, think="low"), "Unsupported parameter: 'input' is not supported"),
        (of(CHAT, think="low"), "the reasoning went wrong"),
    ],
)
def test_nothing_is_left_out_that_was_not_sent_or_refused(request_: Any, words: str) -> None:
    assert DIALECT.relaxed(request_, UpstreamRefusedError(words)) is None


def test_a_relaxed_request_shares_no_json_with_the_first() -> None:
    request = own({"reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"}})

    for words in (NO_EFFORT, NO_SUMMARY, no_value("low")):
        relaxed(request, words)

    assert body_of(request)["reasoning"] == {"effort": "low", "summary": "auto"}
    assert body_of(request, CATALOG["openai"])["text"] == {"verbosity": "low"}
    assert body_of(request, ROW)["store"] is False
