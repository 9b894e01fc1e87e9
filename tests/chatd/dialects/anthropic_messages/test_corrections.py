"""A body is corrected for the row and for the Claude model, without a change of shared JSON."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from chatd.config.model_facts import ModelFacts
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.corrections import correct

ROW = Provider("p", "anthropic_messages", "https://h")
SAMPLING = {"temperature": 1, "top_p": 0.5, "top_k": 5}
UNSIGNED = {"type": "thinking", "thinking": "Hm.", "signature": ""}
SIGNED = {**UNSIGNED, "signature": "s"}
TEXT = {"type": "text", "text": "Hi"}


def corrected(model: str, **body: Any) -> tuple[dict[str, Any], Any]:
    row = body.pop("row", ROW)
    found = {"model": model, **body}
    lost = correct(found, row)
    del found["model"]
    return found, lost


@pytest.mark.parametrize(
    ("model", "left"), [("m", SAMPLING), ("claude-sonnet-4-6", SAMPLING), ("claude-sonnet-5", {})]
)
def test_newer_claude_models_get_no_sampling_fields(model: str, left: dict[str, Any]) -> None:
    found, lost = corrected(model, **SAMPLING)

    assert (found, lost) == (left, tuple(name for name in SAMPLING if name not in left))


def test_a_row_drops_fields_and_may_replace_what_is_known_of_a_model() -> None:
    drops = (("claude-opus-5", ("top_k",)), ("claude", ()))
    row = Provider("p", "x", "https://h", drops=("top_p",), model_drops=drops)

    assert corrected("m", row=row, **SAMPLING)[1] == ("top_p",)
    assert corrected("Claude-Opus-5", row=row, **SAMPLING)[1] == ("top_p", "top_k")
    assert corrected("claude-sonnet-5", row=row, **SAMPLING)[1] == ("top_p",)


def test_another_model_that_refuses_sampling_fields_gets_none() -> None:
    row = replace(ROW, models={"m": ModelFacts(sampling=False)})

    assert corrected("m", row=row, temperature=0.5) == ({}, ("temperature",))
    assert corrected("other", row=row, temperature=0.5) == ({"temperature": 0.5}, ())


def test_older_claude_models_get_no_adaptive_thinking_and_no_effort() -> None:
    hints = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}
    before = copy.deepcopy(hints)
    with_format = {"output_config": {"effort": "high", "format": {}}}

    assert corrected("claude-haiku-4-5", **hints) == ({}, ("thinking", "output_config.effort"))
    assert corrected("claude-haiku-4-5", **with_format)[0] == {"output_config": {"format": {}}}
    assert corrected("claude-opus-4-5", **hints)[1] == ("thinking",)
    for model in ("m", "claude-opus-4-6"):
        assert corrected(model, **hints) == (hints, ())
    budget = {"thinking": {"type": "enabled", "budget_tokens": 1_024}}
    assert corrected("claude-haiku-4-5", **budget) == (budget, ())
    assert hints == before


def test_claude_gets_no_thinking_without_a_signature() -> None:
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [UNSIGNED, SIGNED, TEXT], "x": 1},
        {"role": "assistant", "content": [UNSIGNED]},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, TEXT]},
    ]
    before = copy.deepcopy(turns)

    found, lost = corrected("claude-opus-5", messages=turns)

    assert found["messages"] == [
        turns[0],
        {"role": "assistant", "content": [SIGNED, TEXT], "x": 1},
        {"role": "assistant", "content": [TEXT]},
    ]
    assert lost == ("messages.content.thinking",)
    assert corrected("MiniMax-M3", messages=turns) == ({"messages": turns}, ())
    assert turns == before


def test_nothing_is_left_out_of_a_plain_body() -> None:
    body = {"messages": [{"role": "user", "content": [TEXT]}], "max_tokens": 5}

    assert corrected("claude-opus-5", **body) == (body, ())
