"""Rows whose address the deployment gives, and rows of which a key is optional."""

from __future__ import annotations

import pytest

from chatd.config.catalog import CATALOG
from tests.support.functions import ask, get, post, settings
from tests.support.upstream import Upstream

SERVERS = ("vllm", "lm_studio", "llama_cpp")


@pytest.mark.parametrize("path", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_azure_has_its_path_whatever_part_of_it_the_endpoint_has(path: str) -> None:
    found = settings(AZURE_OPENAI_ENDPOINT=f"https://mine.openai.azure.com{path}")

    url = found.providers["azure"].url("openai_chat", "/chat/completions")
    assert url == "https://mine.openai.azure.com/openai/v1/chat/completions"


def test_azure_is_openai_at_another_address() -> None:
    azure, openai = CATALOG["azure"], CATALOG["openai"]

    assert azure.model_dialects == openai.model_dialects
    assert (azure.key_variable, azure.facts) == ("AZURE_OPENAI_API_KEY", "openai")


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_serves_without_a_key(
    name: str, provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = CATALOG[name]
    monkeypatch.setenv(str(row.base_url_variable), provider.url)

    assert post(ask(f"{name}/m")).json["provider"] == name
    assert provider.last.path == "/v1/chat/completions"
    assert "authorization" not in provider.last.headers


def test_a_server_gets_its_key_where_it_has_one(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", provider.url)
    monkeypatch.setenv("VLLM_API_KEY", "sk-vllm")

    post(ask("vllm/m"))

    assert provider.last.headers["authorization"] == "Bearer sk-vllm"


@pytest.mark.parametrize("name", ["azure", *SERVERS])
def test_a_row_without_an_address_is_not_registered(name: str, keys: str) -> None:
    listed = get("/v1/chat/providers").json["providers"]

    assert name not in [entry["name"] for entry in listed]
    assert post(ask(f"{name}/m")).status == 404
