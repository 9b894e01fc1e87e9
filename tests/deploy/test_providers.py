"""`make providers` prints what a gateway has, and what unlocks the rest."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chatd.config import provider_rows
from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from deploy import providers
from tests.chatd.conftest import clean_environment
from tests.support.upstream import reply, upstream

__all__ = ["clean_environment"]

ROOT = Path(__file__).resolve().parents[2]
PLACED = Provider(
    name="placed",
    dialect="openai_chat",
    base_url="",
    base_url_variable="PLACED_ENDPOINT",
    key_variable="PLACED_API_KEY",
    source="https://docs.placed.example/a-page-with-a-long-address/of-the-vendor/on-its-api",
)
NEARBY = Provider(name="nearby", dialect="openai_chat", base_url="", base_url_variable="NEARBY_URL")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert providers.main(arguments) == 0
    return capsys.readouterr().out.splitlines()


def row_of(lines: list[str], name: str) -> str:
    """Return a provider's row, with its continued lines and its link."""
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{name} "))
    more = [line for line in lines[start + 1 :] if line[:1] != " " or not line]
    end = lines.index(more[0], start + 1) if more else len(lines)
    return " ".join(" ".join(lines[start:end]).split())


@pytest.fixture(autouse=True)
def catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add rows without an address to the catalog."""
    rows = {**CATALOG, PLACED.name: PLACED, NEARBY.name: NEARBY}
    monkeypatch.setattr(provider_rows, "CATALOG", rows)


def test_a_key_makes_a_provider_available_and_the_others_name_their_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-kimi")

    lines = printed(capsys)

    assert lines[0] == f"make run: 2 of {len(CATALOG) + 2} providers are available"
    assert row_of(lines, "ollama") == "ollama ollama available, the default"
    assert row_of(lines, "kimi") == "kimi openai_chat available"
    assert row_of(lines, "openrouter").startswith("openrouter openai_chat OPENROUTER_API_KEY")
    assert row_of(lines, "nearby") == "nearby openai_chat NEARBY_URL"
    assert row_of(lines, "placed") == (
        f"placed openai_chat PLACED_ENDPOINT and PLACED_API_KEY {PLACED.source}"
    )


def test_a_failed_look_up_and_a_switched_off_provider_show_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.openai]\nenabled = false\n")
    monkeypatch.setenv("CHATD_CONFIG", str(config))
    monkeypatch.setenv("KIMI_API_KEY", "sk-é")

    lines = printed(capsys)

    assert row_of(lines, "kimi") == (
        "kimi openai_chat not available: KIMI_API_KEY in the environment holds characters that a"
        " key cannot have"
    )
    assert row_of(lines, "openai").startswith("openai openai_chat it is switched off in chatd.toml")


def test_the_tables_are_aligned_and_80_columns_wide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-é")

    lines = printed(capsys)

    assert max(len(line) for line in lines if "://" not in line) <= 80
    columns = {line.index(word) for line in lines for word in ("STATE", "UNLOCKED") if word in line}
    assert len(columns) == 1
    assert lines[lines.index(f"  {PLACED.source}") - 1].startswith("placed ")


def test_a_deployed_gateway_shows_its_own_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kimi = {"name": "kimi", "available": True, "prefixes": ["kimi/"], "dialect": "openai_chat"}
    monkeypatch.setenv("KEY", "chatd-caller")
    monkeypatch.setenv("PLACED_ENDPOINT", "https://placed.example")  # of this machine alone
    with upstream(reply({"default": "kimi", "providers": [kimi]})) as gateway:
        lines = printed(capsys, gateway.url)

    assert gateway.last.path == "/v1/chat/providers"
    assert gateway.last.headers["authorization"] == "Bearer chatd-caller"
    assert lines[0].startswith(f"{gateway.url}: 1 of ")
    assert row_of(lines, "kimi") == "kimi openai_chat available, the default"
    assert row_of(lines, "ollama").startswith("ollama ollama OLLAMA_URL")
    assert "PLACED_ENDPOINT" in row_of(lines, "placed")


@pytest.mark.parametrize(("status", "body"), [(401, {"error": {}}), (200, b"no JSON")])
def test_a_gateway_without_a_list_is_an_error_of_one_line(
    status: int, body: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with upstream(reply(body, status)) as gateway:
        assert providers.main([gateway.url]) == 1

    error = capsys.readouterr().err
    assert error.startswith("make providers: expected the list of providers, got ")
    assert error.count("\n") == 1


def test_a_wrong_configuration_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLACED_ENDPOINT", "no address")

    assert providers.main([]) == 1
    assert capsys.readouterr().err.startswith("make providers: PLACED_ENDPOINT: must be a URL")


def test_the_make_target_runs_and_explains_itself() -> None:
    def make(*arguments: str) -> str:
        done = subprocess.run(
            ["make", "--assume-old=.venv/run.stamp", "providers", *arguments],
            cwd=ROOT,
            env={**os.environ, "MAKEFLAGS": "", "KIMI_API_KEY": "sk-made-up"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    table = make()

    assert row_of(table.splitlines(), "kimi").startswith("kimi openai_chat available")
    assert "sk-made-up" not in table
    assert "usage: make providers" in make("HELP=1")
    assert all(name in table for name in CATALOG)
