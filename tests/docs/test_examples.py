"""Every example of the README and of docs/ runs and gives the output that the page shows."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import (
    PAGES,
    ROOT,
    Block,
    blocks,
    make_commands,
    make_targets,
    name,
    transcripts,
)
from tests.local.conftest import PATIENCE, environment, until

WRITTEN = "http://127.0.0.1:3220"
# The environment of `make test` that holds the openai package.
CLIENTS = ROOT / ".venv-clients/bin/python"


@pytest.fixture(scope="module")
def demo_url() -> Iterator[str]:
    """The URL of the demo upstream, which `make run` starts where no Ollama answers."""
    with subprocess.Popen(
        [sys.executable, "-m", "local.demo_ollama"],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1]
        finally:
            process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def url(demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the gateway that `make run` starts, with the demo as its Ollama."""
    output = tmp_path_factory.mktemp("examples") / "output"
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-m", "local"],
            env=environment(OLLAMA_URL=demo_url, CHATD_CONFIG="/dev/null"),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):

        def served() -> str | None:
            assert process.poll() is None, output.read_text("utf-8")
            text = output.read_text("utf-8")
            found = re.search(r"chatd serves (http://\S+) .*Try it:", text, re.DOTALL)
            return found and found[1]

        try:
            yield str(until(served, "the banner"))
        finally:
            process.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("block", "command", "output"),
    transcripts(),
    ids=lambda value: str(value) if isinstance(value, Block) else "",
)
def test_a_command_gives_the_output_that_is_shown(
    block: Block, command: str, output: str, url: str
) -> None:
    given = subprocess.run(
        ["bash", "-c", command.replace(WRITTEN, url)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    ).stdout.rstrip()

    assert re.fullmatch(_pattern(output), given, re.DOTALL), f"{block}: {given}"


def _pattern(output: str) -> str:
    """Make a pattern of a shown output, in which `…`, request ids and latencies vary."""
    varying = re.sub(r'"latency_ms":\d+', '"latency_ms":…', output)
    varying = re.sub(r'"request_id":"[^"]*"', '"request_id":"…"', varying)
    return ".*".join(re.escape(part) for part in varying.split("…"))


def test_a_pattern_admits_other_latencies_and_no_other_fields() -> None:
    pattern = _pattern('{"model":"a","latency_ms":5,"request_id":"x"}')

    assert re.fullmatch(pattern, '{"model":"a","latency_ms":17,"request_id":"y"}')
    assert not re.fullmatch(pattern, '{"model":"b","latency_ms":5,"request_id":"x"}')


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_program_runs_and_prints(block: Block, url: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [CLIENTS, "-c", block.text.replace(WRITTEN, url)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip()


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_a_configuration_is_accepted(block: Block, tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(block.text, "utf-8")
    checked = subprocess.run(
        [sys.executable, ROOT / "deploy/check_settings.py", config],
        cwd=ROOT / "functions",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_a_json_example_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_command_of_a_page_exists(page: Path) -> None:
    assert make_commands(page.read_text("utf-8")) - make_targets() == set()


def test_the_readme_has_its_commands_and_an_example_that_runs() -> None:
    readme = ROOT / "README.md"

    assert {"run", "test", "deploy"} <= make_commands(readme.read_text("utf-8"))
    assert any(block.page == readme for block, _, _ in transcripts())
