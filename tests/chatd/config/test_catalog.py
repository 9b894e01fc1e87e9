"""The catalog's rows and time limits match the documentation."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import date

import pytest

from chatd.config.catalog import CATALOG
from chatd.config.provider import WHOLE_SECONDS, Provider, Timeouts, limits_of

# Name: dialect, variant, address, its variable, and the key's variable.
ROWS: dict[str, tuple[str, str | None, str, str, str | None]] = {
    "ollama": ("ollama", None, "http://localhost:11434", "OLLAMA_URL", None),
    "ollama_cloud": (
        *("ollama", None, "https://ollama.com"),
        *("OLLAMA_CLOUD_BASE_URL", "OLLAMA_API_KEY"),
    ),
    "openrouter": (
        *("openai_chat", "openrouter", "https://openrouter.ai/api/v1"),
        *("OPENROUTER_BASE_URL", "OPENROUTER_API_KEY"),
    ),
    "opencode": (
        *("openai_chat", None, "https://opencode.ai/zen/v1"),
        *("OPENCODE_BASE_URL", "OPENCODE_API_KEY"),
    ),
    "openai": (
        *("openai_chat", None, "https://api.openai.com/v1"),
        *("OPENAI_BASE_URL", "OPENAI_API_KEY"),
    ),
    "kimi": (
        *("openai_chat", "kimi", "https://api.kimi.com/coding/v1"),
        *("KIMI_BASE_URL", "KIMI_API_KEY"),
    ),
    "anthropic": (
        *("anthropic_messages", None, "https://api.anthropic.com/v1"),
        *("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY"),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_each_row_has_its_vendors_address_and_variables(name: str) -> None:
    row = CATALOG[name]
    address, variables = row.base_url, (row.base_url_variable, row.key_variable)

    assert (row.dialect, row.variants.get(row.dialect), address, *variables) == ROWS[name]
    assert (row.name, row.prefix, row.env_file) == (name, f"{name}/", ".env")


def test_ollama_cloud_has_its_own_suffix_and_endpoint() -> None:
    cloud = CATALOG["ollama_cloud"]

    assert (cloud.suffix, cloud.stripped_endings) == (":cloud", (":cloud", "-cloud"))
    assert (cloud.endpoint, cloud.honours_format) == ("auto", False)


def test_opencode_has_two_plans() -> None:
    row = CATALOG["opencode"]

    assert row.plan == "zen"
    assert row.plans == {
        "zen": "https://opencode.ai/zen/v1",
        "go": "https://opencode.ai/zen/go/v1",
    }


def test_a_row_changes_only_the_listed_fields_of_its_dialect() -> None:
    plain = Provider("mine", "openai_chat", "http://h")
    changed = {
        name: {
            field.name
            for field in fields(Provider)
            if getattr(row, field.name) != getattr(plain, field.name)
        }
        - {"name", "dialect", "base_url", "base_url_variable", "key_variable", "variants"}
        - {"source", "checked"}
        for name, row in CATALOG.items()
    }

    assert changed["ollama"] == {"known_to_think", "paths", "prefill", "timeouts"}
    assert changed["openrouter"] == {
        *("known_to_think", "own_dialects", "prefill", "returns_reasoning", "takes_top_k"),
        "completions",
    }
    assert changed["opencode"] == {
        *("key_headers", "known_to_think", "model_dialects", "plan", "plan_dialects", "plans"),
        *("returns_reasoning", "session_header", "completions", "embeddings"),
    }
    assert plain.endpoint == "chat"
    assert plain.upstream_stream == "auto"
    assert (plain.honours_format, plain.prefill, plain.developer_as_system) == (True, False, False)
    assert (plain.content_as_text, plain.tools_only_functions) == (False, False)


def test_time_limits_match_the_design() -> None:
    usual = {
        "connect": 5.0,
        "silence": 60.0,
        "silence_with_fallback": 10.0,
        "first_event": 120.0,
        "gap": 30.0,
        "total": None,
    }

    assert asdict(Timeouts()) == asdict(limits_of("openai_chat")) == usual
    for name in ("ollama", "ollama_cloud"):
        assert asdict(CATALOG[name].timeouts) == {**usual, "silence": 120.0}
    for name in ("openrouter", "opencode", "kimi"):
        assert asdict(CATALOG[name].timeouts) == usual


def test_a_whole_answer_ends_before_api_gateway_cuts_an_idle_connection() -> None:
    assert WHOLE_SECONDS == 285


@pytest.mark.parametrize("name", CATALOG)
def test_a_row_names_its_source_and_the_day_of_its_check(name: str) -> None:
    row = CATALOG[name]

    assert (row.source or "").startswith("https://")
    assert date.fromisoformat(row.checked or "") >= date(2026, 11, 1)
