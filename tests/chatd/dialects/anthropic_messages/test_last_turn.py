"""A conversation that ends with an assistant turn gets a user turn where Claude needs one."""

from __future__ import annotations

import pytest

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest, Message
from chatd.config.catalog import CATALOG
from chatd.dialects.anthropic_messages.conversation import conversation
from chatd.dialects.anthropic_messages.request import omitted

ROW = CATALOG["anthropic"]


@pytest.mark.parametrize(
    ("model", "roles"),
    [
        ("claude-opus-4-5", ["user", "assistant"]),
        ("claude-opus-4-6", ["user", "assistant", "user"]),
        ("claude-sonnet-5", ["user", "assistant", "user"]),
        ("kimi-k3", ["user", "assistant"]),
    ],
)
def test_the_last_turn_of_a_broken_answer(model: str, roles: list[str]) -> None:
    turns = (Message("user", (Text("Read it"),)), Message("assistant", (Text("I read it first."),)))
    written = conversation(ChatRequest(model, turns))["messages"]

    assert [turn["role"] for turn in written] == roles
    assert written[1]["content"] == "I read it first."
    lost = ("messages.prefill",) if roles[-1] == "user" else ()
    assert omitted(ChatRequest(model, turns), ROW) == lost


def test_a_conversation_that_ends_with_a_user_turn_stays_as_it_is() -> None:
    written = conversation(ChatRequest("claude-opus-4-8", (Message("user", (Text("Hi"),)),)))

    assert written["messages"] == [{"role": "user", "content": "Hi"}]
