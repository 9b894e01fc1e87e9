"""Rows that need an address of the deployment, and the paths that complete an address."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.config import changed_rows, provider_rows
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from tests.support.functions import ask, get, post, settings
from tests.support.upstream import Upstream

RESOURCE = "https://r.openai.azure.com"
WITH_PATH = Provider(
    name="placed",
    dialect="openai_chat",
    base_url="",
    base_url_variable="PLACED_ENDPOINT",
    base_path="/openai/v1",
    key_variable="PLACED_API_KEY",
)
LOCAL = Provider(name="nearby", dialect="openai_chat", base_url="", base_path="/v1")


@pytest.fixture(autouse=True)
def catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add two rows without an address to the catalog."""
    rows = {**CATALOG, WITH_PATH.name: WITH_PATH, LOCAL.name: LOCAL}
    for module in (changed_rows, provider_rows):
        monkeypatch.setattr(module, "CATALOG", rows)
    for variable in ("PLACED_ENDPOINT", "PLACED_API_KEY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        (RESOURCE, f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}/", f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}/openai", f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}/openai/", f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}/openai/v1", f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}/openai/v1/", f"{RESOURCE}/openai/v1"),
        (f"{RESOURCE}:8443", f"{RESOURCE}:8443/openai/v1"),
        (f"{RESOURCE}/open", f"{RESOURCE}/open"),
        ("https://apim.example/models", "https://apim.example/models"),
        ("https://apim.example/a/openai/v1", "https://apim.example/a/openai/v1"),
    ],
)
def test_an_address_with_the_path_s_beginning_is_completed(
    address: str, base_url: str, tmp_path: Path
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(f"[providers.placed]\nbase_url = {address!r}")

    by_variable = settings(PLACED_ENDPOINT=address).providers["placed"]
    by_table = settings(CHATD_CONFIG=str(config)).providers["placed"]

    assert (by_variable.base_url, by_table.base_url) == (base_url, base_url)
    assert (by_variable.excluded, by_table.excluded) == (None, None)


@pytest.mark.parametrize("name", ["AWS_LAMBDA_FUNCTION_NAME", "HOME"])
def test_a_row_without_an_address_is_excluded_and_names_the_remedies(name: str) -> None:
    rows = settings(**{name: "x"}).providers

    assert rows["placed"].excluded == (
        "it has no address; set PLACED_ENDPOINT or base_url of [providers.placed]"
    )
    assert rows["nearby"].excluded == "it has no address; set base_url of [providers.nearby]"


def test_a_row_without_an_address_is_not_listed_even_with_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLACED_API_KEY", "sk-placed")

    refused = post(ask("placed/m"))

    assert [entry["name"] for entry in get("/v1/chat/providers").json["providers"]] == ["ollama"]
    assert (refused.status, refused.json["error"]["code"]) == (404, "model_not_found")
    assert "set PLACED_ENDPOINT" in refused.json["error"]["message"]


def test_a_row_with_an_address_and_a_key_answers(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACED_ENDPOINT", provider.url)
    monkeypatch.setenv("PLACED_API_KEY", "sk-placed")

    assert post(ask("placed/m")).status == 200
    assert provider.last.path == "/openai/v1/chat/completions"
    assert get("/v1/chat/providers").json["providers"][-1]["name"] == "placed"


def test_a_table_without_an_address_keeps_the_row_excluded(config: Path) -> None:
    config.write_text("[providers.nearby]\nenabled = true")

    assert settings(CHATD_CONFIG=str(config)).providers["nearby"].excluded


def test_a_switched_off_row_says_so_before_its_address(config: Path) -> None:
    config.write_text("[providers.nearby]\nenabled = false")

    excluded = settings(CHATD_CONFIG=str(config)).providers["nearby"].excluded
    assert excluded == "it is switched off in chatd.toml"
