"""A refused hint is taken out of the request, by the words of the refusal."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking
from chatd.canonical.request import Sampling
from chatd.errors import UpstreamRefusedError
from tests.chatd.dialects.bedrock_converse.converse_requests import (
    CLAUDE,
    assistant,
    chat,
    user,
    written,
)
from tests.chatd.dialects.bedrock_converse.converse_wire import DIALECT


def relaxed(words: str, *turns: Any, **more: Any) -> Any:
    return DIALECT.relaxed(chat(*turns, **more), UpstreamRefusedError(f"it answered 400: {words}"))


@pytest.mark.parametrize(
    "words",
    [
        "This model does not support assistant message prefill. The conversation must end with a"
        " user message.",
        "The last turn must be a user turn.",
    ],
)
def test_a_prefill_is_continued_by_a_user_turn(words: str) -> None:
    request, name = relaxed(words, user("a"), assistant("So"))

    assert name == "messages.prefill"
    assert written(request)["messages"][-1] == {"role": "user", "content": [{"text": "Continue."}]}
    assert relaxed(words, user("a")) is None


def test_refused_thinking_of_the_history_is_left_out() -> None:
    history = (user("a"), assistant(Thinking("x", "c2ln"), "b"), assistant(Thinking("y", "c2ln")))
    request, name = relaxed("Invalid `signature` in `thinking` block", *history, user("c"))

    assert name == "messages.content.thinking"
    blocks = [block for turn in request.messages for block in turn.blocks]
    assert all(isinstance(block, Text) for block in blocks)
    assert len(written(request)["messages"]) == 3


def test_one_of_two_fields_of_sampling_is_left_out() -> None:
    words = "`temperature` and `top_p` cannot both be specified for this model."
    request, name = relaxed(words, sampling=Sampling(temperature=0.5, top_p=0.9))

    assert name == "top_p"
    assert request.sampling == Sampling(temperature=0.5)


def test_refused_sampling_is_left_out() -> None:
    request, name = relaxed(
        "`temperature` is deprecated for this model.", sampling=Sampling(temperature=0.5, seed=3)
    )

    assert name == "temperature"
    assert request.sampling == Sampling(seed=3)


@pytest.mark.parametrize(
    "words",
    [
        "Malformed input request: #: extraneous key [thinking] is not permitted",
        "This model doesn't support the outputConfig.effort field. Remove it and try again.",
        "reasoning_effort is not supported",
    ],
)
def test_a_refused_hint_to_think_is_left_out(words: str) -> None:
    request, name = relaxed(words, think="high", effort="high", model=CLAUDE)

    assert name == "reasoning_effort"
    assert (request.think, request.effort) == (None, None)


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("The provided request is not valid", {"think": "high"}),
        ("thinking is not supported", {}),
        ("thinking is not supported", {"think": True, "think_required": True}),
        ("temperature is too high", {}),
        ("top_p cannot both be specified", {}),
        ("Invalid signature", {}),
    ],
)
def test_another_refusal_stays_one(words: str, more: Any) -> None:
    assert relaxed(words, **more) is None
