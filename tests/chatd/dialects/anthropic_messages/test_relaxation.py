"""A request is sent again without the hint that a model refused."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.canonical.content import Text, Thinking, ToolCall
from chatd.canonical.request import ChatRequest, Message, Sampling, Source
from chatd.dialects.anthropic_messages.relaxation import relaxed

CALL = ToolCall("c", "f", "{}")
TURNS = (
    Message("user", (Text("Hi"),)),
    Message("assistant", (Thinking("Hm.", "s"),)),
    Message("assistant", (Thinking("Hm.", "s"), CALL)),
)
SAMPLING = Sampling(temperature=0.5, top_p=0.5, top_k=5, stop=("x",))


def request(**fields: Any) -> ChatRequest:
    return ChatRequest("m", TURNS, **fields)


def hint(words: str, **fields: Any) -> str | None:
    found = relaxed(request(**fields), words)
    return None if found is None else found[1]


@pytest.mark.parametrize(
    "words",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0.thinking.signature: Field required",
        "`thinking` or `redacted_thinking` blocks in the latest message cannot be modified",
    ],
)
def test_thinking_is_taken_out_of_the_history(words: str) -> None:
    found = relaxed(request(), words)

    assert found is not None
    assert found[1] == "messages.content.thinking"
    assert [turn.blocks for turn in found[0].messages] == [TURNS[0].blocks, (CALL,)]
    assert found[0].messages[0] is TURNS[0]


@pytest.mark.parametrize(
    "words",
    [
        "adaptive thinking is not supported on this model",
        "thinking.type: Input tag 'adaptive' found using 'type' does not match",
        "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found"
        " `tool_use`. When `thinking` is enabled, a final `assistant` message must start with it.",
    ],
)
def test_thinking_is_switched_off_with_its_effort(words: str) -> None:
    found = relaxed(request(think="adaptive", effort="high", think_budget=5), words)

    assert found is not None
    assert found[1] == "reasoning_effort"
    assert (found[0].think, found[0].effort, found[0].think_budget) == (None, None, None)
    assert found[0].messages is TURNS


@pytest.mark.parametrize("words", ["This model does not support the effort parameter."])
def test_an_effort_is_left_out(words: str) -> None:
    found = relaxed(request(think="adaptive", effort="high"), words)

    assert found is not None
    assert (found[0].think, found[0].effort, found[1]) == ("adaptive", None, "reasoning_effort")
    level = relaxed(request(think="high"), words)
    assert level is not None
    assert level[0].think is None


@pytest.mark.parametrize(
    "words",
    [
        "`temperature` is deprecated for this model.",
        "`temperature` and `top_p` cannot both be specified for this model.",
        "`temperature` may only be set to 1 when thinking is enabled.",
    ],
)
def test_sampling_is_left_out_but_for_stop_texts(words: str) -> None:
    found = relaxed(request(sampling=SAMPLING, think="high"), words)

    assert found is not None
    assert (found[0].sampling, found[1]) == (Sampling(stop=("x",)), "temperature")
    assert found[0].think == "high"


def test_a_hint_of_the_same_dialect_has_the_dialect_s_name() -> None:
    source = Source("anthropic_messages", {}, {})

    assert hint("adaptive thinking is not supported", think="adaptive", source=source) == "thinking"
    assert hint("effort is not supported", effort="low", source=source) == "output_config.effort"


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("max_tokens: Field required", {"think": "high", "effort": "low"}),
        ("adaptive thinking is not supported", {}),
        ("adaptive thinking is not supported", {"think": False}),
        ("adaptive thinking is not supported", {"think": True, "think_required": True}),
        ("effort is not supported", {"think": True}),
        ("effort is not supported", {"think": "high", "think_required": True}),
        ("temperature is deprecated", {"sampling": Sampling(stop=("x",))}),
    ],
)
def test_another_refusal_stands(words: str, fields: dict[str, Any]) -> None:
    assert hint(words, **fields) is None


def test_a_refused_signature_stands_without_thinking_in_the_history() -> None:
    plain = ChatRequest("m", TURNS[:1])

    assert relaxed(plain, "Invalid `signature` in `thinking` block") is None
