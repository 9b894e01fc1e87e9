"""Thinking that the caller sends back reaches the provider in the provider's field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.functions import ask, post
from tests.support.upstream import Upstream

PATH = "/v1/chat/completions"
# The model, its provider's field for thinking, and the fields that the provider must not get.
FIELDS = [
    ("kimi/k3", "reasoning_content", {"reasoning", "thinking"}),
    ("opencode/grok", "reasoning_content", {"reasoning", "thinking"}),
    ("openrouter/v/m", "reasoning", {"reasoning_content", "thinking"}),
    ("llama3.2", "thinking", {"reasoning", "reasoning_content"}),
]
pytestmark = pytest.mark.usefixtures("provider", "keys")


def sent_back(provider: Upstream, model: str, **thinking: str) -> dict[str, Any]:
    """Send a chat with this thinking; return the assistant's turn that the provider gets."""
    turns = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4", **thinking},
        {"role": "user", "content": "Sure?"},
    ]
    result = post({**ask(model), "messages": turns}, PATH)
    assert result.status == 200
    turn: dict[str, Any] = provider.last.json["messages"][1]
    return turn


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize(("model", "field", "others"), FIELDS)
def test_thinking_is_sent_in_the_providers_field(
    provider: Upstream, model: str, field: str, others: set[str], name: str
) -> None:
    turn = sent_back(provider, model, **{name: "Hm."})

    assert turn[field] == "Hm."
    assert others & turn.keys() == set()


@pytest.mark.parametrize(("model", "field", "others"), FIELDS)
def test_reasoning_content_takes_precedence_over_reasoning(
    provider: Upstream, model: str, field: str, others: set[str]
) -> None:
    turn = sent_back(provider, model, reasoning_content="Hm.", reasoning="Other.")

    assert turn[field] == "Hm."


@pytest.mark.parametrize(("model", "field", "others"), FIELDS)
def test_a_turn_without_thinking_has_no_thinking_field(
    provider: Upstream, model: str, field: str, others: set[str]
) -> None:
    assert ({field} | others) & sent_back(provider, model).keys() == set()
