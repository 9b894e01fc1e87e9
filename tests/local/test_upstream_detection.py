"""The default upstream is detected at the start, and the banner names the upstream."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from tests.local.conftest import PATIENCE, ROOT, SCRIPTED, Gateway, Start, environment


def _closed_port_url() -> str:
    """A URL where no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def no_ollama() -> None:
    """Skip the test if Ollama runs on this machine."""
    with socket.socket() as sock:
        sock.settimeout(1)
        if sock.connect_ex(("localhost", 11434)) == 0:
            pytest.skip("Ollama runs on this machine, so no demo is started")


def _example(gateway: Gateway) -> str:
    """The example command of the banner."""
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
def test_without_ollama_the_demo_answers_and_the_banner_states_this(start: Start) -> None:
    gateway = start("--code", str(ROOT / "functions"))
    answer = json.loads(_run(_example(gateway)))

    assert "DEMO: no Ollama answers at http://localhost:11434" in gateway.output_text
    assert "Registered providers: ollama." in gateway.output_text
    assert answer["provider"] == "ollama"
    assert "no model runs here" in answer["content"]


def test_a_running_ollama_is_the_default_provider(start: Start, demo_url: str) -> None:
    gateway = start("--code", str(ROOT / "functions"), OLLAMA_URL=demo_url)

    assert f"Models without a prefix go to Ollama at {demo_url}." in gateway.output_text
    assert "DEMO" not in gateway.output_text
    # A model that this Ollama lists.
    assert shlex.quote("llama3.2:latest") in _example(gateway)
    assert json.loads(_run(_example(gateway)))["model"] == "llama3.2:latest"


def test_with_caller_keys_the_example_works_and_prints_no_key(start: Start, demo_url: str) -> None:
    keys = {"CHATD_CALLER_KEYS": "chatd-key-1,chatd-key-2"}
    gateway = start("--code", str(ROOT / "functions"), OLLAMA_URL=demo_url, **keys)

    assert json.loads(_run(_example(gateway), **keys))["provider"] == "ollama"
    assert "chatd-key" not in gateway.output_text


def test_an_ollama_url_without_a_server_is_kept_and_named_in_the_banner(start: Start) -> None:
    url = _closed_port_url()
    gateway = start(*SCRIPTED, OLLAMA_URL=url)
    workers = gateway.run_action("report").json["environment"]

    assert re.search(rf"{re.escape(url)},\nwhere NOTHING ANSWERS yet", gateway.output_text)
    assert "DEMO" not in gateway.output_text
    assert workers["OLLAMA_URL"] == url


def test_a_server_that_is_not_ollama_counts_as_no_answer(start: Start, gateway: Gateway) -> None:
    other = start(*SCRIPTED, OLLAMA_URL=gateway.url)

    assert "NOTHING ANSWERS" in other.output_text


def test_another_default_provider_needs_no_demo(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_DEFAULT_PROVIDER="openrouter", OPENROUTER_API_KEY="key")

    assert (
        "Models without a prefix go to openrouter at https://openrouter.ai" in gateway.output_text
    )
    assert "DEMO" not in gateway.output_text
    assert "OLLAMA_URL" not in gateway.run_action("report").json["environment"]


def test_with_ollama_disabled_the_banner_names_the_first_provider_with_a_key(
    start: Start, tmp_path: Path
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.ollama]\nenabled = false\n")
    gateway = start(*SCRIPTED, CHATD_CONFIG=str(config), KIMI_API_KEY="key")

    assert "Models without a prefix go to kimi at https://api.kimi.com" in gateway.output_text


def test_an_ollama_address_in_chatd_toml_is_kept(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(f'[providers.ollama]\nbase_url = "{_closed_port_url()}"\n')
    gateway = start(*SCRIPTED, CHATD_CONFIG=str(config))

    assert "NOTHING ANSWERS" in gateway.output_text


def test_the_banner_omits_an_invalid_provider_list(
    start: Start, demo_url: str, tmp_path: Path
) -> None:
    template = tmp_path / "template.yaml"
    source = Path(SCRIPTED[1]).read_text()
    template.write_text(source.replace("Path: /things,", "Path: /v1/chat/providers,"))
    gateway = start("--template", str(template), *SCRIPTED[2:], OLLAMA_URL=demo_url)

    assert "Models without a prefix go to Ollama" in gateway.output_text
    assert "Registered providers" not in gateway.output_text
