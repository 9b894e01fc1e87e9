"""List the registered providers, and those with a failed key lookup."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import providers.app
from chatd import __version__
from chatd.config.catalog import CATALOG
from tests.support.functions import LambdaContext, get

OLLAMA = {"name": "ollama", "available": True, "prefixes": ["ollama/"], "dialect": "ollama"}


def test_without_keys_only_ollama_is_listed() -> None:
    assert get("/v1/chat/providers").json == {"default": "ollama", "providers": [OLLAMA]}


def test_with_all_keys_every_provider_is_listed(keys: str) -> None:
    listed = get("/v1/chat/providers").json["providers"]

    addressed = [row.name for row in CATALOG.values() if row.base_url]
    assert addressed == [entry["name"] for entry in listed]
    assert all(entry["available"] for entry in listed)


def test_an_empty_key_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "")

    assert get("/v1/chat/providers").json["providers"] == [OLLAMA]


def test_a_failed_lookup_is_listed_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-é")

    kimi = get("/v1/chat/providers").json["providers"][-1]

    assert kimi == {
        "name": "kimi",
        "available": False,
        "prefixes": ["kimi/"],
        "dialect": "openai_chat",
        "reason": "KIMI_API_KEY in the environment holds characters that a key cannot have",
    }


def test_a_disabled_provider_is_not_listed(keys: str, config: Path) -> None:
    config.write_text("[providers.kimi]\nenabled = false")

    names = [entry["name"] for entry in get("/v1/chat/providers").json["providers"]]

    assert "kimi" not in names


def test_a_custom_provider_of_chatd_toml_is_listed(config: Path) -> None:
    config.write_text("[providers.vllm]\ndialect = 'openai_chat'\nbase_url = 'http://vllm/v1'")

    assert get("/v1/chat/providers").json["providers"][-1]["name"] == "vllm"


def test_health_needs_no_provider() -> None:
    result = get("/health")

    assert (result.status, result.json) == (200, {"status": "ok", "version": __version__})


def test_a_direct_invocation_gets_the_list() -> None:
    assert providers.app.lambda_handler({}, LambdaContext())["providers"] == [OLLAMA]


def test_the_list_holds_no_key(keys: str) -> None:
    assert keys not in json.dumps(get("/v1/chat/providers").json)
