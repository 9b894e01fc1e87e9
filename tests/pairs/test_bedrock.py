"""A chat carries every feature through Bedrock's own class of each dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from tests.pairs.callers import CALLERS
from tests.pairs.chats import SCENARIOS, Answer, Scenario
from tests.pairs.providers import PROVIDERS
from tests.pairs.test_pairs import Paired, _id, check_pair
from tests.support.upstream import Upstream

# By the dialect: the model that selects it.
MODELS: Mapping[str, str] = MappingProxyType(
    {
        "anthropic_messages": "us.anthropic.claude-opus-4-6-v1",
        "openai_chat": "us.xai.grok-4.6",
        "openai_responses": "us.openai.gpt-6-sol",
    }
)
# A forwarded and a translated request of each.
SURFACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "anthropic_messages": ("anthropic_messages", "openai_chat"),
        "openai_chat": ("openai_chat", "anthropic_messages"),
        "openai_responses": ("openai_responses", "anthropic_messages"),
    }
)
# Grok takes neither stop sequences nor the effort `none`: they are left out and named.
LACKING = MappingProxyType({"openai_chat": frozenset({"stop", "thinking_withheld"})})


def scenarios() -> Iterator[tuple[str, str, Scenario]]:
    """List the scenarios that the surface, the dialect and the model can express."""
    for dialect in MODELS:
        lacking = LACKING.get(dialect, frozenset())
        able = PROVIDERS[dialect].features - lacking
        for surface in SURFACES[dialect]:
            for scenario in SCENARIOS:
                can = scenario.needs <= CALLERS[surface].features & able
                if can and scenario.name not in lacking:
                    yield surface, dialect, scenario


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("surface", "dialect", "scenario"), list(scenarios()), ids=_id)
def test_a_pair_carries_a_feature(
    surface: str, dialect: str, scenario: Scenario, streamed: bool, provider: Upstream
) -> None:
    pair = Paired(surface, PROVIDERS[dialect], f"at_bedrock/{MODELS[dialect]}", streamed)

    check_pair(pair, replace(scenario, answer=_identified(scenario.answer)), provider)


def _identified(answer: Answer) -> Answer:
    """Give the calls ids that are no positions, which are kept."""
    calls = tuple(replace(call, id=f"call_of_bedrock_{call.id}") for call in answer.calls)
    return replace(answer, calls=calls)
