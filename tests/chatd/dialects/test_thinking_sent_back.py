"""An assistant's thinking that the caller sends back reaches the provider in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.functions import ask, post
from tests.support.upstream import Upstream

PATH = "/v1/chat/completions"
# The provider's field for it, and the fields that it must not get.
FIELDS = [
    ("kimi/k3", "reasoning_content", {"reasoning", "thinking"}),
    ("opencode/grok", "reasoning_content", {"reasoning", "thinking"}),
    ("openrouter/v/m", "reasoning", {"reasoning_content", "thinking"}),
    ("llama3.2", "thinking", {"reasoning", "reasoning_content"}),
]
pytestmark = pytest.mark.usefixtures("provider", "keys")


def sent_back(provider: Upstream, model: str, **thinking: str) -> dict[str, Any]:
    """The assistant's turn as the provider gets it."""
    turns = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4", **thinking},
        {"role": "user", "content": "Sure?"},
    ]
    result = post({**ask(model), "messages": turns}, PATH)
    assert result.status == 200
    turn: dict[str, Any] = provider.last.json["messages"][1]
    return turn


@pytest.mark.parametrize("said", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize(("model", "field", "others"), FIELDS)
def test_it_is_sent_under_the_providers_name_for_it(
    provider: Upstream, model: str, field: str, others: set[str], said: str
) -> None:
    turn = sent_back(provider, model, **{said: "Hm."})

    assert turn[field] == "Hm."
    assert others & turn.keys() == set()


@pytest.mark.parametrize(("model", "field", "others"), FIELDS)
def test_where_both_names_are_given_the_more_common_one_holds(
    provider: Upstream, model: str, field: str, others: set[str]
) -> None:
    turn = sent_back(provider, model, reasoning_content="Hm.", reasoning="Other.")

    assert turn[field] == "Hm."


@pytest.mark.parametrize(("model", "field", "others"), FIELDS)
def test_without_thinking_no_field_is_sent(
    provider: Upstream, model: str, field: str, others: set[str]
) -> None:
    assert ({field} | others) & sent_back(provider, model).keys() == set()
