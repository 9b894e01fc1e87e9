"""A table of chatd.toml with the name of a catalog row changes that row.

A deployment may have defined a provider before the catalog got a row of that name.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.config import catalog, changed_rows, provider_rows
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from tests.support.functions import settings

VARIANTS = {"openai_chat": "openrouter"}
NEW = Provider(
    name="newcomer",
    dialect="openai_chat",
    base_url="https://api.newcomer.example/v1",
    base_url_variable="NEWCOMER_BASE_URL",
    key_variable="NEWCOMER_API_KEY",
    variants=VARIANTS,
    prefill=True,
)
WHOLE = "dialect = 'openai_chat'\nbase_url = 'https://mine.example/v1'\n"


@pytest.fixture
def newcomer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add a row to the catalog, as a later release would."""
    for module in (catalog, changed_rows, provider_rows):
        monkeypatch.setattr(module, "CATALOG", {**CATALOG, NEW.name: NEW})


def row(config: Path, table: str, name: str = NEW.name) -> Provider:
    config.write_text(f"[providers.{name}]\n{table}")
    return settings(CHATD_CONFIG=str(config)).providers[name]


def test_a_whole_provider_keeps_its_key_and_url_when_the_catalog_gets_its_name(
    config: Path, newcomer: None
) -> None:
    found = row(config, WHOLE + "key_variable = 'MY_KEY'")

    assert (found.key_variable, found.base_url) == ("MY_KEY", "https://mine.example/v1")
    assert (found.dialect, found.variants, found.prefill) == ("openai_chat", VARIANTS, True)


def test_a_whole_provider_without_a_key_still_needs_no_key(config: Path, newcomer: None) -> None:
    assert row(config, WHOLE).key_variable is None


def test_a_table_without_a_dialect_keeps_the_rows_key(config: Path, newcomer: None) -> None:
    found = row(config, "base_url = 'https://mine.example/v1'")

    assert (found.key_variable, found.variants) == ("NEWCOMER_API_KEY", VARIANTS)


def test_another_dialect_replaces_the_rows_variants_and_fields(
    config: Path, newcomer: None
) -> None:
    found = row(config, "dialect = 'ollama'\nbase_url = 'http://10.0.0.5:11434'")

    assert (found.dialect, found.variants, found.prefill) == ("ollama", {}, False)
    assert found.timeouts.silence == 120


def test_another_dialect_keeps_the_rows_routes_and_address(config: Path) -> None:
    found = row(config, "dialect = 'openai_chat'", "ollama_cloud")

    assert (found.base_url, found.key_variable) == ("https://ollama.com", "OLLAMA_API_KEY")
    assert (found.suffix, found.endpoint, found.honours_format) == (":cloud", "chat", True)


def test_the_same_dialect_keeps_the_variants_and_key(config: Path) -> None:
    found = row(config, "dialect = 'openai_chat'", "kimi")

    assert found.variants == {"openai_chat": "kimi"}
    assert found.key_variable == "KIMI_API_KEY"


def test_a_provider_of_anthropics_dialect_gets_its_key_in_anthropics_header(config: Path) -> None:
    table = "dialect = 'anthropic_messages'\nbase_url = 'https://mine.example/v1'\n"

    assert row(config, table, "mine").key_headers == {"anthropic_messages": "x-api-key"}
    assert row(config, "dialect = 'anthropic_messages'", "kimi").key_headers == {
        "anthropic_messages": "x-api-key"
    }
    other = row(config, table + "key_headers = { anthropic_messages = 'Authorization' }", "mine")
    assert other.key_headers == {"anthropic_messages": "Authorization"}
    assert row(config, WHOLE, "mine").key_headers == {}


def test_a_table_has_the_fields_that_single_models_refuse(config: Path) -> None:
    drops = "model_drops = { 'claude-opus-5' = ['top_k'], 'claude' = [] }\n"

    found = row(config, drops + "default_max_tokens = 1000", "anthropic")

    assert found.model_drops == (("claude-opus-5", ("top_k",)), ("claude", ()))
    assert found.default_max_tokens == 1_000
