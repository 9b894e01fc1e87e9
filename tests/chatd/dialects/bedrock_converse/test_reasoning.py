"""How hard to think is written in the field of each vendor's models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chatd.canonical.request import Sampling, Source
from tests.chatd.dialects.bedrock_converse.converse_requests import (
    CLAUDE,
    GPT,
    NEW_CLAUDE,
    NOVA,
    NOVA_2,
    OTHER,
    ROW,
    WEATHER,
    chat,
    omitted,
    written,
)

MIDDLE_CLAUDE = "anthropic.claude-opus-4-6-v1"
KNOWN = replace(ROW, known_to_think="qwen")
AGENT = Source("anthropic_messages", {}, {})


def fields(model: str, **more: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """Return the additional fields, the effort, and the names of the losses."""
    request = chat(model=model, **more)
    body = written(request, KNOWN)
    effort = body.get("outputConfig", {}).get("effort")
    return body.get("additionalModelRequestFields"), effort, omitted(request, KNOWN)


@pytest.mark.parametrize(
    ("more", "thinking"),
    [
        ({"think": True}, {"type": "enabled", "budget_tokens": 4_096}),
        ({"think": "high", "think_budget": 2_000}, {"type": "enabled", "budget_tokens": 2_000}),
        ({"think": True, "think_budget": 9}, {"type": "enabled", "budget_tokens": 1_024}),
        (
            {"think": True, "think_budget": 9_000, "max_tokens": 3_000},
            {"type": "enabled", "budget_tokens": 2_999},
        ),
        ({"think": False}, {"type": "disabled"}),
        ({"think": "none"}, {"type": "disabled"}),
    ],
)
def test_an_older_claude_thinks_within_a_budget(more: Any, thinking: Any) -> None:
    found, effort, _ = fields(CLAUDE, **more)

    assert (found, effort) == ({"thinking": thinking}, None)


@pytest.mark.parametrize(
    "more", [{"think": "high"}, {"think": "adaptive"}, {"think": True, "max_tokens": 1_000}]
)
def test_a_hint_that_an_older_claude_lacks_is_named(more: Any) -> None:
    assert fields(CLAUDE, **more) == (None, None, ("reasoning_effort",))


@pytest.mark.parametrize(
    ("model", "more", "effort"),
    [
        (MIDDLE_CLAUDE, {"think": "high"}, "high"),
        (MIDDLE_CLAUDE, {"think": "xhigh"}, "max"),
        (NEW_CLAUDE, {"think": "xhigh"}, "xhigh"),
        (NEW_CLAUDE, {"think": "minimal"}, "low"),
        (NEW_CLAUDE, {"think": "adaptive", "effort": "max"}, "max"),
        (NEW_CLAUDE, {"think": True, "think_budget": 2_000}, None),
    ],
)
def test_a_newer_claude_thinks_adaptively(model: str, more: Any, effort: str | None) -> None:
    assert fields(model, **more) == ({"thinking": {"type": "adaptive"}}, effort, ())


def test_a_forced_tool_excludes_claudes_thinking() -> None:
    forced = fields(CLAUDE, think=True, tools=(WEATHER,), tool_choice="required")

    assert forced == (None, None, ("reasoning_effort",))


def test_thinking_excludes_most_sampling_of_claude() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=5)
    _, _, lost = fields(CLAUDE, think=True, sampling=sampling)
    taken = written(chat(model=CLAUDE, think=True, sampling=Sampling(temperature=1, top_p=0.96)))

    assert lost == ("temperature", "top_p", "top_k")
    assert taken["inferenceConfig"] == {"temperature": 1, "topP": 0.96}


@pytest.mark.parametrize(
    ("more", "config", "lost"),
    [
        ({"think": "low"}, {"type": "enabled", "maxReasoningEffort": "low"}, ()),
        ({"think": "max"}, {"type": "enabled", "maxReasoningEffort": "high"}, ()),
        ({"think": True}, {"type": "enabled", "maxReasoningEffort": "medium"}, ()),
        (
            {"think": True, "think_budget": 2_000},
            {"type": "enabled", "maxReasoningEffort": "low"},
            (),
        ),
        ({"think": False}, {"type": "disabled"}, ()),
        (
            {"think": "high", "max_tokens": 9},
            {"type": "enabled", "maxReasoningEffort": "medium"},
            ("reasoning_effort",),
        ),
        (
            {"think": "high", "sampling": Sampling(temperature=0.5)},
            {"type": "enabled", "maxReasoningEffort": "high"},
            ("temperature",),
        ),
    ],
)
def test_nova_2_has_an_effort(more: Any, config: Any, lost: tuple[str, ...]) -> None:
    assert fields(NOVA_2, **more) == ({"reasoningConfig": config}, None, lost)


def test_nova_2_does_not_think_adaptively() -> None:
    assert fields(NOVA_2, think="adaptive") == (None, None, ("reasoning_effort",))


@pytest.mark.parametrize(
    ("think", "effort", "lost"),
    [
        ("low", "low", ()),
        ("minimal", "low", ()),
        ("xhigh", "high", ()),
        (False, None, ("reasoning_effort",)),
        ("adaptive", None, ()),
    ],
)
def test_gpt_oss_has_an_effort(think: Any, effort: str | None, lost: tuple[str, ...]) -> None:
    expected = None if effort is None else {"reasoning_effort": effort}

    assert fields(GPT, think=think) == (expected, None, lost)


@pytest.mark.parametrize(
    ("more", "effort", "lost"),
    [
        ({"think": "high"}, "high", ()),
        ({"think": True}, "medium", ()),
        ({"think": "adaptive", "effort": "low"}, "low", ()),
        ({"think": "adaptive"}, None, ()),
        ({"think": False}, None, ("reasoning_effort",)),
        ({}, None, ()),
    ],
)
def test_another_model_has_the_effort_of_the_output(
    more: Any, effort: str | None, lost: tuple[str, ...]
) -> None:
    assert fields(OTHER, **more) == (None, effort, lost)


def test_a_hint_goes_to_models_alone_that_are_known_to_think() -> None:
    request = chat(model=NOVA, think="adaptive", effort="high", source=AGENT)

    assert "outputConfig" not in written(request)
    assert set(omitted(request)) == {"thinking", "output_config.effort"}
