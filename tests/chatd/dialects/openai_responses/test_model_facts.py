"""The facts about OpenAI's models, by name."""

from __future__ import annotations

import pytest

from chatd.config.catalog import CATALOG
from chatd.dialects import dialect_name
from chatd.dialects.openai_responses.model_facts import least_effort, refuses_sampling
from tests.chatd.dialects.openai_responses.requests import chat

OPENAI = CATALOG["openai"]


@pytest.mark.parametrize(
    ("model", "effort", "refuses"),
    [
        *((name, None, True) for name in ("o1", "o3-mini", "o4-mini-2025-04-16", "openai/o3")),
        *((name, None, True) for name in ("gpt-5", "gpt-5-mini", "GPT-5-nano-2025-08-07")),
        *((name, None, True) for name in ("gpt-5-codex", "gpt-5.1-codex-max", "gpt-5.2-pro")),
        *((name, None, True) for name in ("gpt-5.2-chat-latest", "gpt-5.6-sol", "gpt-6-luna")),
        *((name, None, False) for name in ("gpt-5.1", "gpt-5.2-2025-12-11", "gpt-5.4")),
        *(("gpt-5.2", effort, effort != "none") for effort in ("none", "low", "xhigh")),
        *((name, "low", False) for name in ("gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest")),
        *((name, "low", False) for name in ("gpt-3.5-turbo", "llama3.2", "o", "olmo", "")),
    ],
)
def test_models_that_refuse_a_temperature(model: str, effort: str | None, refuses: bool) -> None:
    assert refuses_sampling(model, effort) is refuses


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gpt-5", "minimal"),
        ("gpt-5-mini-2025-08-07", "minimal"),
        ("gpt-5.1", "none"),
        ("gpt-5.6-sol", "none"),
        ("gpt-6-luna", "none"),
        ("gpt-5-pro", "high"),
        ("gpt-5.2-pro", "medium"),
        ("gpt-5.2-chat-latest", "medium"),
        ("gpt-5-codex", "low"),
        ("gpt-5.1-codex-max", "low"),
        ("o3", "low"),
        ("vendor/gpt-oss:120b", "none"),
    ],
)
def test_the_least_effort_of_a_model(model: str, effort: str) -> None:
    assert least_effort(model) == effort


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        *((name, "openai_responses") for name in ("gpt-5-pro", "gpt-5.2-pro-2025-12-11", "o1-pro")),
        *((name, "openai_responses") for name in ("gpt-5-codex", "gpt-5.1-codex-max", "o3-pro")),
        *((name, "openai_responses") for name in ("o4-mini-deep-research", "codex-mini-latest")),
        *((name, "openai_responses") for name in ("gpt-5.4", "gpt-5.6-sol", "gpt-6.2-astra")),
        *((name, "openai_responses") for name in ("computer-use-preview", "gpt-6-cyber")),
        *((name, "openai_chat") for name in ("gpt-4o", "gpt-4.1", "gpt-5", "gpt-5.2", "o3", "o1")),
        *((name, "openai_chat") for name in ("gpt-3.5-turbo", "gpt-5-chat-latest", "gpt-4o-mini")),
    ],
)
def test_openai_serves_a_model_in_its_dialect(model: str, dialect: str) -> None:
    assert dialect_name(OPENAI, chat(model=model)) == dialect


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        *((name, True) for name in ("o1", "o3-mini", "gpt-5", "gpt-5.6-sol", "gpt-6-luna")),
        *((name, False) for name in ("gpt-4o", "gpt-4.1", "gpt-5-chat-latest", "gpt-3.5-turbo")),
    ],
)
def test_models_that_are_known_to_think(model: str, thinks: bool) -> None:
    assert OPENAI.can_think(model) is thinks
