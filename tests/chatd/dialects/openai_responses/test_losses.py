"""What the dialect or the model lacks is refused or named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.content import Image, Text, Thinking, ToolResult
from chatd.canonical.extra import Extra
from chatd.canonical.request import Message, Sampling
from tests.chatd.dialects.openai_responses.requests import DIALECT, HI, ROW, chat, of, own

CHAT, ANTHROPIC = "openai_chat", "anthropic_messages"


def of_chat(**fields: Any) -> Any:
    return of(CHAT, extra=Extra(CHAT, fields))


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (chat(n=2), ("n",)),
        (chat(n=1), ()),
        (of(CHAT, sampling=Sampling(stop=("a",))), ("stop",)),
        (of(ANTHROPIC, sampling=Sampling(stop=("a",))), ("stop_sequences",)),
        (chat(sampling=Sampling(stop=())), ()),
        (of_chat(audio={"voice": "x"}), ("audio",)),
        (of_chat(functions=[{"name": "f"}], function_call="auto"), ("functions",)),
        (of_chat(functions=[], function_call="none", modalities=["text"]), ("function_call",)),
        (of_chat(modalities=["text", "audio"]), ("modalities",)),
        (own({"stop": "a"}), ()),
    ],
)
def test_what_changes_the_answer_is_refused(request_: Any, refused: tuple[str, ...]) -> None:
    assert DIALECT.refused(request_, ROW) == refused


@pytest.mark.parametrize(
    ("request_", "omitted"),
    [
        (chat(), ()),
        (
            chat(
                sampling=Sampling(
                    seed=1, presence_penalty=0.5, frequency_penalty=0.0, top_k=3, temperature=1
                )
            ),
            ("seed", "presence_penalty", "top_k"),
        ),
        (chat(max_tokens=5), ("max_tokens",)),
        (chat(max_completion_tokens=5), ("max_completion_tokens",)),
        (chat(max_completion_tokens=16, max_tokens=5), ()),
        (of_chat(logit_bias={"1": 2}, web_search_options={}, min_p=0.5), ("logit_bias", "min_p")),
        (of_chat(user="u", metadata={"a": 1}, store=True, verbosity="low", x=None), ()),
        (of_chat(service_tier="auto", modalities=["text"], logit_bias={}), ()),
        (
            of(ANTHROPIC, extra=Extra(ANTHROPIC, {"context_management": {"a": 1}, "betas": [1]})),
            ("context_management",),
        ),
        (
            chat(Message("user", (Text("Hi", Extra(ANTHROPIC, {"cache_control": {"a": 1}})),))),
            ("messages.content.cache_control",),
        ),
        (
            chat(Message("tool", (ToolResult("c", is_error=True),))),
            ("messages.content.is_error",),
        ),
        (chat(Message("user", (Text("Hi"),), name="Ann")), ("messages.name",)),
        (chat(HI, Message("assistant", (Thinking("Hm."),))), ("messages.content.thinking",)),
        (chat(HI, Message("assistant", (Thinking("Hm.", "gAAA"),))), ()),
        (own({"seed": 1, "x": 1}), ()),
    ],
)
def test_hints_without_an_equal_are_named(request_: Any, omitted: tuple[str, ...]) -> None:
    assert DIALECT.omitted(request_, ROW) == omitted


@pytest.mark.parametrize("make", [chat, lambda **more: own({"temperature": 0.5}, **more)])
def test_what_the_model_refuses_is_named(make: Any) -> None:
    cold = Sampling(temperature=0.5, top_p=0.5)
    default = Sampling(temperature=1, top_p=1.0)

    assert DIALECT.omitted(make(model="o3", sampling=cold), ROW) == ("temperature", "top_p")
    assert DIALECT.omitted(make(model="o3", sampling=default), ROW) == ()
    assert DIALECT.omitted(make(model="gpt-4o", sampling=cold), ROW) == ()
    assert DIALECT.omitted(make(model="o3", top_logprobs=1), ROW) == ("top_logprobs",)
    assert DIALECT.omitted(make(model="o3", logprobs=True), ROW) == ("logprobs",)


def test_what_the_row_drops_is_named_if_it_was_sent() -> None:
    row = replace(ROW, drops=("temperature", "top_p", "user"))

    assert DIALECT.omitted(chat(sampling=Sampling(temperature=0.5)), row) == ("temperature",)
    assert DIALECT.omitted(own({"top_p": 0.5, "user": None}), row) == ("top_p",)
    assert DIALECT.omitted(of_chat(user="u"), row) == ("user",)


def test_a_detail_of_a_picture_is_no_loss() -> None:
    picture = Image("https://h/a.png", Extra(CHAT, {}, {"image_url": {"detail": "low", "x": 1}}))

    assert DIALECT.omitted(chat(Message("user", (picture,))), ROW) == (
        "messages.content.image_url.x",
    )
