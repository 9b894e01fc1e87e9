"""Which upstream answers a bare model name, and what the banner says about it."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from tests.local.conftest import PATIENCE, ROOT, SCRIPTED, Gateway, Start, environment


def _nobody() -> str:
    """An address where nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def no_ollama() -> None:
    """Skips where the machine has an Ollama of its own."""
    with socket.socket() as sock:
        sock.settimeout(1)
        if sock.connect_ex(("localhost", 11434)) == 0:
            pytest.skip("an Ollama answers on this machine, so no demo is started")


def _tried(gateway: Gateway) -> str:
    """The line that the banner prints to try."""
    return gateway.output_text.split("Try it:\n")[1].splitlines()[0].strip()


def _run(line: str, **more: str) -> str:
    return subprocess.run(
        ["bash", "-c", f"{line} --silent --show-error"],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout


@pytest.mark.usefixtures("no_ollama")
def test_without_an_ollama_a_demo_answers_and_the_banner_says_so(start: Start) -> None:
    gateway = start("--code", str(ROOT / "functions"))
    answer = json.loads(_run(_tried(gateway)))

    assert "DEMO: no Ollama answers at http://localhost:11434" in gateway.output_text
    assert "Registered providers: ollama." in gateway.output_text
    assert answer["provider"] == "ollama"
    assert "no model runs here" in answer["content"]


def test_an_ollama_that_answers_is_the_default_provider(start: Start, demo_url: str) -> None:
    gateway = start("--code", str(ROOT / "functions"), OLLAMA_URL=demo_url)

    assert f"Models without a prefix go to Ollama at {demo_url}." in gateway.output_text
    assert "DEMO" not in gateway.output_text
    # A model that this Ollama has said to have.
    assert shlex.quote("llama3.2:latest") in _tried(gateway)
    assert json.loads(_run(_tried(gateway)))["model"] == "llama3.2:latest"


def test_with_keys_the_printed_line_works_where_the_keys_are_and_shows_none(
    start: Start, demo_url: str
) -> None:
    keys = {"CHATD_CALLER_KEYS": "chatd-key-1,chatd-key-2"}
    gateway = start("--code", str(ROOT / "functions"), OLLAMA_URL=demo_url, **keys)

    assert json.loads(_run(_tried(gateway), **keys))["provider"] == "ollama"
    assert "chatd-key" not in gateway.output_text


def test_an_ollama_url_that_does_not_answer_is_kept_and_said(start: Start) -> None:
    url = _nobody()
    gateway = start(*SCRIPTED, OLLAMA_URL=url)
    workers = gateway.run_action("report").json["environment"]

    assert re.search(rf"{re.escape(url)},\nwhere NOTHING ANSWERS yet", gateway.output_text)
    assert "DEMO" not in gateway.output_text
    assert workers["OLLAMA_URL"] == url


def test_something_else_than_an_ollama_is_none(start: Start, gateway: Gateway) -> None:
    other = start(*SCRIPTED, OLLAMA_URL=gateway.url)

    assert "NOTHING ANSWERS" in other.output_text


def test_another_default_provider_needs_no_demo(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_DEFAULT_PROVIDER="openrouter", OPENROUTER_API_KEY="key")

    assert (
        "Models without a prefix go to openrouter at https://openrouter.ai" in gateway.output_text
    )
    assert "DEMO" not in gateway.output_text
    assert "OLLAMA_URL" not in gateway.run_action("report").json["environment"]


def test_where_ollama_is_switched_off_the_first_provider_with_a_key_is_named(
    start: Start, tmp_path: Path
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.ollama]\nenabled = false\n")
    gateway = start(*SCRIPTED, CHATD_CONFIG=str(config), KIMI_API_KEY="key")

    assert "Models without a prefix go to kimi at https://api.kimi.com" in gateway.output_text


def test_an_address_in_chatd_toml_counts_as_asked_for(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(f'[providers.ollama]\nbase_url = "{_nobody()}"\n')
    gateway = start(*SCRIPTED, CHATD_CONFIG=str(config))

    assert "NOTHING ANSWERS" in gateway.output_text


def test_a_list_of_providers_that_is_none_is_left_out_of_the_banner(
    start: Start, demo_url: str, tmp_path: Path
) -> None:
    template = tmp_path / "template.yaml"
    source = Path(SCRIPTED[1]).read_text()
    template.write_text(source.replace("Path: /things,", "Path: /v1/chat/providers,"))
    gateway = start("--template", str(template), *SCRIPTED[2:], OLLAMA_URL=demo_url)

    assert "Models without a prefix go to Ollama" in gateway.output_text
    assert "Registered providers" not in gateway.output_text
