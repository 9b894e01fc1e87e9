"""What a model takes is found by the provider's row and its name for the model."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chatd.config import model_facts
from chatd.config.catalog import CATALOG
from chatd.config.model_facts import ABILITIES, ModelFacts, facts_of, keys_of, over
from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.claude_models import claude_model
from tests.support.functions import settings

OPENAI, ANTHROPIC = CATALOG["openai"], CATALOG["anthropic"]
BEDROCK = Provider("bedrock", "bedrock_converse", "https://h")
UNLISTED = Provider("mine", "openai_chat", "https://h/v1")
OPUS = facts_of(ANTHROPIC, "claude-opus-4-7")
LINES = [line for line in model_facts.FILE.read_text("ascii").splitlines() if line[0] not in "#["]


def test_a_model_has_limits_and_abilities() -> None:
    assert OPUS is not None
    assert ANTHROPIC.refuses_sampling("claude-opus-4-7")
    assert dataclasses.asdict(OPUS) == {
        "context": 1_000_000,
        "max_output": 128_000,
        "tools": True,
        "images": True,
        "pdfs": True,
        "thinks": True,
        "adaptive": True,
        "effort": True,
        "sampling": False,
        "prefill": False,
        "system_turns": None,
    }


@pytest.mark.parametrize(
    ("row", "model"),
    [
        (ANTHROPIC, "claude-opus-4-7-20260416"),
        (ANTHROPIC, "claude-opus-4-7-latest"),
        (CATALOG["openrouter"], "anthropic/claude-opus-4.7"),
        (CATALOG["openrouter"], "anthropic/Claude-Opus-4.7:free"),
        (replace(BEDROCK, name="vertex", facts="anthropic"), "claude-opus-4-7@20260416"),
        (replace(BEDROCK, facts="anthropic"), "us.anthropic.claude-opus-4-7-20260416-v1:0"),
        (replace(BEDROCK, facts="anthropic"), "anthropic.claude-opus-4-7-v1"),
    ],
)
def test_every_spelling_of_a_models_name_leads_to_it(row: Provider, model: str) -> None:
    assert facts_of(row, model) == OPUS


@pytest.mark.parametrize(
    ("model", "keys"),
    [
        ("gpt-5.2", ("gpt-5-2",)),
        ("gpt-4o-2024-05-13", ("gpt-4o-2024-05-13", "gpt-4o")),
        ("llama3.2", ("llama3-2",)),
        ("accounts/fireworks/models/glm-4p7", ("glm-4-7",)),
        ("deepseek.v3-v1:0", ("v3",)),
        ("deepseek-v4", ("deepseek-v4",)),
        ("ft:gpt-4o-2024-08-06:mine::abc", ("gpt-4o-2024-08-06", "gpt-4o")),
        ("command-r-08-2024", ("command-r-08-2024", "command-r")),
        ("", ()),
        ("vendor/", ()),
        ("two\nlines", ()),
        ("[*]", ()),
        ("# What", ()),
        ("x" * 200, ()),
    ],
)
def test_the_keys_of_a_name(model: str, keys: tuple[str, ...]) -> None:
    assert keys_of(model) == keys


def test_a_hosts_own_line_goes_over_that_of_the_models_maker() -> None:
    hosted = facts_of(CATALOG["opencode"], "kimi-k3")
    own = facts_of(UNLISTED, "kimi-k3")

    assert hosted is not None
    assert own is not None
    assert over(own, hosted) == hosted


def test_a_host_without_lines_of_its_own_has_the_makers_limits() -> None:
    assert facts_of(CATALOG["openrouter"], "openai/gpt-5") == facts_of(OPENAI, "gpt-5")


def test_of_a_provider_that_the_table_does_not_know_only_abilities_hold() -> None:
    assert facts_of(UNLISTED, "claude-opus-4-7") == replace(
        OPUS or ModelFacts(), context=None, max_output=None
    )


def test_nothing_is_known_of_an_unlisted_model() -> None:
    assert facts_of(OPENAI, "my-own-model") is None
    assert facts_of(OPENAI, "gpt") is None


def test_a_row_like_one_of_the_catalog_has_its_facts(config: Path) -> None:
    config.write_text('[providers.second]\nlike = "openai"\nbase_url = "https://h/v1"')
    row = settings(CHATD_CONFIG=str(config)).providers["second"]

    assert facts_of(row, "gpt-5") == facts_of(OPENAI, "gpt-5")


def test_chatd_toml_overrides_single_facts_of_a_model() -> None:
    row = replace(ANTHROPIC, models={"claude-opus-4-7": ModelFacts(context=5, sampling=True)})

    assert facts_of(row, "claude-opus-4-7") == replace(
        OPUS or ModelFacts(), context=5, sampling=True
    )
    assert facts_of(row, "claude-opus-4-8") == facts_of(ANTHROPIC, "claude-opus-4-8")


def test_a_model_is_known_by_its_name_in_chatd_toml_and_by_its_id(config: Path) -> None:
    config.write_text(
        '[providers.openrouter]\nmodel_ids = { mine = "anthropic/claude-opus-4.7" }\n'
        "[providers.openrouter.models.mine]\ncontext = 7\n"
    )
    row = settings(CHATD_CONFIG=str(config)).providers["openrouter"]

    known = replace(OPUS or ModelFacts(), context=7)
    assert [facts_of(row, name) for name in ("mine", "anthropic/claude-opus-4.7")] == [known, known]


def test_chatd_toml_adds_a_model_that_the_table_lacks() -> None:
    row = replace(UNLISTED, models={"qwen": ModelFacts(context=8_192)})

    assert facts_of(row, "qwen") == ModelFacts(context=8_192)


def test_a_row_knows_models_that_think_from_its_pattern_the_table_and_chatd_toml() -> None:
    assert OPENAI.can_think("gpt-9-unlisted")
    assert UNLISTED.can_think("claude-opus-4-7")
    assert not UNLISTED.can_think("gpt-9-unlisted")
    denied = {"claude-opus-4-7": ModelFacts(thinks=False)}
    assert not replace(ANTHROPIC, models=denied, known_to_think=".").can_think("claude-opus-4-7")


@pytest.mark.parametrize(
    ("name", "model", "takes"),
    [
        ("openrouter", "vendor/unlisted", True),
        ("openrouter", "anthropic/claude-haiku-4.5", True),
        ("openrouter", "anthropic/claude-opus-4.7", False),
        ("anthropic", "claude-haiku-4-5", True),
        ("anthropic", "claude-opus-4-7", False),
        ("anthropic", "unlisted", False),
        ("deepseek", "deepseek-v4-pro", False),
    ],
)
def test_a_prefill_needs_an_api_and_a_model_that_take_it(
    name: str, model: str, takes: bool
) -> None:
    row = CATALOG[name]

    assert row.takes_prefill(model) is takes
    other = replace(row, models={model: ModelFacts(prefill=not takes)})
    assert other.takes_prefill(model) is not takes


def test_the_table_is_not_read_by_a_start() -> None:
    code = (
        "import sys; from chatd import composition; composition.compose({});"
        "sys.exit('chatd.config.model_facts' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(model_facts.FILE.parents[2])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_file_is_of_tens_of_kilobytes() -> None:
    assert model_facts.FILE.stat().st_size < 64 * 1024


@pytest.mark.parametrize("name", ABILITIES)
def test_an_ability_is_known_of_some_model(name: str) -> None:
    words = {name, f"no-{name}"}
    assert any(words & set(line.split()) for line in LINES)


def claude_keys() -> list[str]:
    text = model_facts.FILE.read_text("ascii")
    own = text[text.index("\n[*]\n") : text.index("\n[anthropic]\n")]
    return re.findall(r"^claude-\S+", own, re.MULTILINE)


@pytest.mark.parametrize("key", claude_keys())
def test_the_rules_for_unlisted_versions_of_claude_agree_with_the_table(key: str) -> None:
    facts, claude = facts_of(ANTHROPIC, key), claude_model(key)
    assert facts is not None
    assert claude is not None
    assert {
        "sampling": claude.takes_sampling,
        "adaptive": claude.thinks_adaptively,
        "effort": claude.takes_effort,
        "system_turns": claude.takes_system_turns,
        "prefill": claude.takes_prefill,
    } == {
        "sampling": not ANTHROPIC.refuses_sampling(key),
        "adaptive": bool(facts.adaptive),
        "effort": bool(facts.effort),
        "system_turns": bool(facts.system_turns),
        "prefill": facts.prefill,
    }
