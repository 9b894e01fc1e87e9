from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.config.catalog import CATALOG
from chatd.config.provider import Timeouts
from chatd.errors import InvalidRequestError
from chatd.routing.router import Route, routes
from tests.support.functions import settings


def routed(name: str, **environ: str) -> tuple[Route, ...]:
    """Return the routes of a name; Ollama is the default provider unless `environ` has one."""
    found = settings(**environ)
    return routes(name, found, lambda: found.providers[found.default_provider or "ollama"])


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("llama3.2", "ollama", "llama3.2"),
        ("ollama/llama3.2", "ollama", "llama3.2"),
        ("ollama/library/llama3.2:1b", "ollama", "library/llama3.2:1b"),
        ("ollama_cloud/gpt-oss:120b", "ollama_cloud", "gpt-oss:120b"),
        ("ollama_cloud/gpt-oss:120b:cloud", "ollama_cloud", "gpt-oss:120b"),
        ("ollama_cloud/gpt-oss:120b-cloud", "ollama_cloud", "gpt-oss:120b"),
        ("gpt-oss:120b:cloud", "ollama_cloud", "gpt-oss:120b"),
        ("gpt-oss:120b-cloud", "ollama", "gpt-oss:120b-cloud"),
        ("openrouter/openai/gpt-5-mini", "openrouter", "openai/gpt-5-mini"),
        ("openrouter/x:cloud", "openrouter", "x:cloud"),
        ("opencode/grok-code", "opencode", "grok-code"),
        ("kimi/kimi-for-coding", "kimi", "kimi-for-coding"),
        ("unknown/model", "ollama", "unknown/model"),
        ("kimi", "ollama", "kimi"),
        ("KIMI/k3", "ollama", "KIMI/k3"),
    ],
)
def test_the_first_matching_prefix_or_suffix_routes_and_is_stripped(
    name: str, provider: str, model: str
) -> None:
    (route,) = routed(name)

    assert (provider, model) == (route.provider.name, route.model)


@pytest.mark.parametrize(
    "name", ["kimi/", "ollama/", "ollama_cloud/:cloud", ":cloud", "openrouter/ ", " "]
)
def test_a_name_without_a_model_is_an_invalid_request(name: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        routed(name)

    assert caught.value.param == "model"


def test_the_default_provider_is_a_setting() -> None:
    (route,) = routed("some-model-cloud", CHATD_DEFAULT_PROVIDER="ollama_cloud")

    assert (route.provider.name, route.model) == ("ollama_cloud", "some-model-cloud")


def test_a_tier_is_the_routes_of_its_models_in_order(tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text('[tiers]\nfast = ["kimi/k3", "llama3.2"]\n')

    found = routed("fast", CHATD_CONFIG=str(config))

    assert [(route.provider.name, route.model) for route in found] == [
        ("kimi", "k3"),
        ("ollama", "llama3.2"),
    ]
    assert all(route.named for route in found)


def test_the_limits_of_a_tier_take_precedence_over_the_providers(tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(
        "[providers.kimi]\ntimeouts = { connect = 2, total = 100 }\n"
        '[tiers.fast]\nmodels = ["kimi/k3"]\ntimeouts = { total = 20 }\n'
    )

    (route,) = routed("fast", CHATD_CONFIG=str(config))

    assert (route.timeouts.connect, route.timeouts.total) == (2, 20)


def test_a_tier_takes_precedence_over_a_prefix(tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text('[tiers]\n"kimi/best" = ["openrouter/moonshot/k3"]\n')

    (route,) = routed("kimi/best", CHATD_CONFIG=str(config))

    assert route.provider.name == "openrouter"


@given(st.text(min_size=1))
def test_every_name_leads_to_one_known_provider_or_is_refused(name: str) -> None:
    try:
        (route,) = routed(name)
    except InvalidRequestError:
        return

    assert route.provider.name in CATALOG
    assert route.model in name


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("us.anthropic.claude-opus-4-8", "us.anthropic.claude-opus-4-8"),
        (
            "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6",
            "application-inference-profile/a1b2c3d4e5f6",
        ),
        ("arn:aws:bedrock:us-east-1::foundation-model/a.b-v1:0", "foundation-model/a.b-v1:0"),
    ],
)
def test_callers_see_no_account_in_the_name_of_a_model(model: str, shown: str) -> None:
    assert Route(CATALOG["ollama"], model, Timeouts()).shown_model == shown
