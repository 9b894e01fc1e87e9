"""How hard to think, and whether to show it, in every caller's words."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from tests.chatd.dialects.openai_responses.requests import DIALECT, ROW, THINKS, body_of, chat, of

ENCRYPTED = "reasoning.encrypted_content"
ANTHROPIC = "anthropic_messages"


@pytest.mark.parametrize(
    ("wish", "effort"),
    [
        ({"think": "xhigh"}, "xhigh"),
        ({"think": True}, "medium"),
        ({"think": True, "think_budget": 1_000}, "low"),
        ({"think": True, "think_budget": 8_000}, "medium"),
        ({"think": True, "think_budget": 32_000}, "high"),
        ({"think": True, "effort": "max"}, "max"),
    ],
)
def test_a_wish_to_think_is_an_effort_with_a_summary_and_encrypted_reasoning(
    wish: dict[str, Any], effort: str
) -> None:
    body = body_of(of(ANTHROPIC, **wish))

    assert body["reasoning"] == {"effort": effort, "summary": "auto"}
    assert body["include"] == [ENCRYPTED]


@pytest.mark.parametrize("wish", [{"think": "adaptive", "effort": "low"}, {"effort": "low"}])
def test_a_hint_goes_to_models_that_are_known_to_think_and_is_named_elsewhere(
    wish: dict[str, Any],
) -> None:
    thinks, other = of(ANTHROPIC, model="t-1", **wish), of(ANTHROPIC, **wish)

    assert body_of(thinks, THINKS)["reasoning"]["effort"] == "low"
    assert DIALECT.omitted(thinks, THINKS) == ()
    assert "reasoning" not in body_of(other, THINKS)
    assert "output_config.effort" in DIALECT.omitted(other, THINKS)


def test_adaptive_thinking_alone_leaves_the_effort_to_the_model() -> None:
    request = of(ANTHROPIC, think="adaptive", model="t-1")

    assert body_of(request, THINKS)["reasoning"] == {"summary": "auto"}


@pytest.mark.parametrize(
    ("model", "effort"), [("gpt-5-mini", "minimal"), ("gpt-5.6-sol", "none"), ("o3", "low")]
)
def test_no_thinking_is_the_least_effort_of_the_model(model: str, effort: str) -> None:
    body = body_of(chat(model=model, think=False), CATALOG["openai"])

    assert body["reasoning"] == {"effort": effort}


def test_thinking_switched_off_is_no_effort_for_a_model_that_may_not_think() -> None:
    request = of(ANTHROPIC, think=False)

    assert "reasoning" not in body_of(request)
    assert DIALECT.omitted(request, ROW) == ("thinking",)


def test_without_a_wish_a_model_that_thinks_returns_its_encrypted_reasoning() -> None:
    body = body_of(chat(model="t-1"), THINKS)

    assert (body["include"], "reasoning" in body) == ([ENCRYPTED], False)
    assert "include" not in body_of(chat(), THINKS)
    assert "include" not in body_of(chat(think="none"))
