"""The lines of docs/agents.md and of `make run` start Claude Code and Codex with the gateway."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.agents import task
from tests.agents.programs import CLAUDE_CODE, CODEX, QUIET, Ended, node, run
from tests.agents.scripted_model import ScriptedModel
from tests.docs.test_examples import WRITTEN
from tests.local.conftest import ROOT, Gateway, Start

KEY = "made-up-caller-key-0123456789"
PAGE = ROOT / "docs/agents.md"
# Programs by name, with what makes each answer one prompt and end.
SHIMS = {
    "claude": f"{CLAUDE_CODE} --print 'Say hello' \"$@\"",
    "codex": f"{CODEX} exec --skip-git-repo-check \"$@\" 'Say hello'",
}


@pytest.fixture(scope="module")
def gateway(model: ScriptedModel, start_for_agents: Start) -> Gateway:
    return start_for_agents(
        *("--code", str(ROOT / "functions")), OLLAMA_URL=model.url, CHATD_CALLER_KEYS=KEY
    )


def page_lines(agent: str) -> str:
    """Return the lines of an agent on the page."""
    found = re.search(
        rf"^## {agent}\n.*?^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert found
    return found[1]


def banner_lines(gateway: Gateway, agent: str) -> str:
    """Return the lines of an agent in the banner."""
    found = re.search(rf"^{agent}:\n((?:  .*\n)+)", gateway.output_text, re.MULTILINE)
    assert found, gateway.output_text
    return found[1]


def run_lines(lines: str, folder: Path) -> Ended:
    """Run lines of a shell in which `claude` and `codex` answer one prompt and end."""
    programs, home = folder / "bin", folder / "home"
    programs.mkdir()
    home.mkdir()
    for name, command in SHIMS.items():
        (programs / name).write_text(f"#!/bin/sh\nexec {node()} {command}\n")
        (programs / name).chmod(0o755)
    keys = {"CHATD_KEY": KEY, "CHATD_CALLER_KEYS": f"{KEY},another"}
    script = f'PATH="{programs}:$PATH"\n{lines}'
    return run(["bash", "-c", script], folder, {**QUIET, **keys, "HOME": str(home)})


@pytest.mark.parametrize("agent", ["Claude Code", "Codex"])
def test_the_lines_of_the_page_work(gateway: Gateway, tmp_path: Path, agent: str) -> None:
    lines = page_lines(agent).replace(WRITTEN, gateway.url)
    ended = run_lines(lines, tmp_path)

    assert (ended.status, ended.output.strip()) == (0, task.GREETING), ended


@pytest.mark.parametrize("agent", ["Claude Code", "Codex"])
def test_the_lines_of_the_banner_work_and_have_no_key(
    gateway: Gateway, tmp_path: Path, agent: str
) -> None:
    lines = banner_lines(gateway, agent)
    ended = run_lines(lines, tmp_path)

    assert (ended.status, ended.output.strip()) == (0, task.GREETING), ended
    assert KEY not in gateway.output_text
    assert len(lines.splitlines()) == 2
