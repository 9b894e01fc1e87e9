"""Callers see the registered providers, and the default provider of bare model names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatd.config import provider_rows
from chatd.config.catalog import CATALOG
from tests.support.functions import ask, get, post
from tests.support.upstream import Upstream


@pytest.fixture
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the environment of a stack that was deployed without OllamaUrl.

    The tests' upstream also has a loopback address, so only Ollama's default address counts as
    a loopback address here; test_settings.py tests the rule.
    """
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "chatd-chat")
    monkeypatch.delenv("OLLAMA_URL", raising=False)
    monkeypatch.setattr(provider_rows, "is_loopback", lambda url: url == CATALOG["ollama"].base_url)


def test_ollama_is_the_first_catalog_row_and_the_default_when_registered() -> None:
    assert next(iter(CATALOG)) == "ollama"
    assert get("/v1/chat/providers").json["default"] == "ollama"


def test_ollama_without_an_address_is_not_registered_on_lambda(
    provider: Upstream, keys: str, on_lambda: None
) -> None:
    listed = get("/v1/chat/providers").json
    refused = post(ask("ollama/llama3.2"))

    assert listed["default"] == "ollama_cloud"
    unsigned = [name for name, row in CATALOG.items() if row.aws is None and row.base_url]
    assert [entry["name"] for entry in listed["providers"]] == unsigned[1:]
    assert (refused.status, refused.json["error"]["code"]) == (404, "model_not_found")
    assert "set OLLAMA_URL" in refused.json["error"]["message"]
    assert provider.received == []


def test_a_bare_model_goes_to_the_first_provider_that_has_a_key(
    provider: Upstream, on_lambda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-test")

    listed = get("/v1/chat/providers").json
    answered = post(ask("kimi-for-coding"))

    assert (listed["default"], len(listed["providers"])) == ("kimi", 1)
    assert (answered.status, answered.json["provider"]) == (200, "kimi")
    assert provider.last.json["model"] == "kimi-for-coding"


def test_a_model_with_an_unknown_prefix_goes_unchanged_to_the_default_provider(
    provider: Upstream, on_lambda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-test")
    post(ask("unknown/x"))

    assert provider.last.json["model"] == "unknown/x"


def test_without_a_provider_the_list_is_empty_and_the_error_names_the_remedies(
    provider: Upstream, on_lambda: None
) -> None:
    listed = get("/v1/chat/providers").json
    refused = post(ask("llama3.2"))
    model = get("/v1/models/m", resource="/v1/models/{id+}", pathParameters={"id": "m"})

    assert listed == {"default": None, "providers": []}
    assert get("/v1/models").json == {"object": "list", "data": []}
    assert [(at.status, at.json["error"]["code"]) for at in (refused, model)] == [
        (404, "model_not_found")
    ] * 2
    for remedy in ("make keys", "OllamaUrl"):
        assert remedy in refused.json["error"]["message"]
    assert provider.received == []


def test_a_configured_default_that_is_not_registered_is_not_replaced(
    provider: Upstream, on_lambda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-test")
    monkeypatch.setenv("CHATD_DEFAULT_PROVIDER", "openrouter")

    refused = post(ask("m"))

    assert get("/v1/chat/providers").json["default"] == "openrouter"
    assert refused.status == 404
    assert "OPENROUTER_API_KEY" in refused.json["error"]["message"]


def test_ollama_with_an_address_is_the_default_on_lambda(
    provider: Upstream, keys: str, on_lambda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_URL", "http://10.0.0.5:11434")

    assert get("/v1/chat/providers").json["default"] == "ollama"


def test_the_next_provider_is_the_default_when_ollama_is_switched_off(
    keys: str, config: Path
) -> None:
    config.write_text("[providers.ollama]\nenabled = false")

    assert get("/v1/chat/providers").json["default"] == "ollama_cloud"


def test_a_provider_defined_in_chatd_toml_can_be_the_default(on_lambda: None, config: Path) -> None:
    config.write_text("[providers.vllm]\ndialect = 'openai_chat'\nbase_url = 'http://vllm/v1'")

    assert get("/v1/chat/providers").json["default"] == "vllm"


def test_a_provider_with_a_failed_key_lookup_stays_registered_and_the_default(
    on_lambda: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-é")
    monkeypatch.setenv("KIMI_API_KEY", "sk-test")

    refused = post(ask("m"))

    assert get("/v1/chat/providers").json["default"] == "openrouter"
    assert (refused.status, refused.json["error"]["code"]) == (503, "credentials_unavailable")


def test_a_tier_skips_models_of_unregistered_providers(
    provider: Upstream, on_lambda: None, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-test")
    config.write_text('[tiers]\nfast = ["ollama/llama3.2", "kimi/k3"]')

    answered = post(ask("fast"))

    assert (answered.status, answered.json["provider"]) == (200, "kimi")
    assert json.loads(provider.last.body)["model"] == "k3"
