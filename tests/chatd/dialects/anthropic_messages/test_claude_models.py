"""What a Claude model takes follows from the version in its name."""

from __future__ import annotations

import pytest

from chatd.config.model_facts import ModelFacts
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.claude_models import ClaudeModel, claude_model


@pytest.mark.parametrize(
    ("name", "family", "version"),
    [
        ("claude-opus-4-7", "opus", (4, 7)),
        ("claude-opus-4-7-20260416", "opus", (4, 7)),
        ("claude-sonnet-4-20250514", "sonnet", (4, 0)),
        ("claude-sonnet-5", "sonnet", (5, 0)),
        ("claude-3-5-haiku-latest", "", (3, 5)),
        ("claude-3-haiku-20240307", "", (3, 0)),
        ("anthropic/claude-opus-4.8", "opus", (4, 8)),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "haiku", (4, 5)),
        ("Claude-Opus-4-10", "opus", (4, 10)),
    ],
)
def test_a_name_has_a_family_and_a_version(
    name: str, family: str, version: tuple[int, int]
) -> None:
    assert claude_model(name) == ClaudeModel(family, version)


@pytest.mark.parametrize("name", ["model-1", "claude", "claude-mythos-preview", "MiniMax-M3", ""])
def test_another_name_is_unknown(name: str) -> None:
    assert claude_model(name) is None


# Whether a model takes sampling fields, adaptive thinking, an effort and system turns, and the most
# tokens of one that writes few.
FACTS = {
    "claude-3-haiku-20240307": (True, False, False, False, 4_096),
    "claude-3-5-haiku-latest": (True, False, False, False, 8_192),
    "claude-3-7-sonnet-latest": (True, False, False, False, None),
    "claude-haiku-4-5": (True, False, False, False, None),
    "claude-opus-4-5": (True, False, True, False, None),
    "claude-sonnet-4-6": (True, True, True, False, None),
    "claude-opus-4-7": (False, True, True, False, None),
    "claude-opus-4-8": (False, True, True, True, None),
    "claude-haiku-5-5": (False, True, True, True, None),
    "claude-fable-5": (False, True, True, True, None),
}


def test_chatd_toml_overrides_the_rules_by_version() -> None:
    for name in ("claude-opus-4-7", "claude-opus-9"):
        known = ModelFacts(
            sampling=True, adaptive=False, effort=False, system_turns=True, prefill=True
        )
        model = claude_model(name, Provider("p", "x", "https://h", models={name: known}))

        assert model is not None
        assert model.takes_sampling
        assert not model.thinks_adaptively
        assert not model.takes_effort
        assert model.takes_system_turns
        assert model.takes_prefill


@pytest.mark.parametrize("name", FACTS)
def test_newer_models_take_less_sampling_and_more_thinking(name: str) -> None:
    model = claude_model(name)

    assert model is not None
    thinking = (model.thinks_adaptively, model.takes_effort)
    found = (model.takes_sampling, *thinking, model.takes_system_turns, model.most_tokens)
    assert found == FACTS[name]
