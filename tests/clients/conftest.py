"""Run one gateway with stubs of all providers, and each client's script against the gateway.

A script runs once, in the environment of its client (.venv-clients or .venv-agents), and writes the
outcome of each of its cases as JSON, for the tests to check one by one.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.agents.programs import MODULES, node, require_agents
from tests.agents.programs import PYTHON as AGENTS_PYTHON
from tests.clients import embedding_features, providers
from tests.clients.features import AGENT_SCRIPTS
from tests.clients.providers import MODELS, LoggedChat, Providers
from tests.clients.scripts.cases import ASK_IMAGE, ASK_JSON, ASK_WEATHER, HELLO, PNG, TEXTS
from tests.clients.stub_embeddings import EMBEDDING_MODELS
from tests.clients.stub_model import Json
from tests.local.conftest import ROOT, Gateway, Start, _ended, _starter
from tests.support.upstream import raw, upstream

PYTHON = ROOT / ".venv-clients/bin/python"
SCRIPTS = "tests.clients.scripts"
CALLER_KEY = "made-up-caller-key-0123456789"
# Timeout of a whole script, in seconds.
TIMEOUT = 300.0
CODE = ("--code", str(ROOT / "functions"))

# A provider without a key, and two with a short `total`.
CONFIG = """\
[providers.keyless]
dialect = "openai_chat"
base_url = "https://keyless.example/v1"
key_variable = "KEYLESS_API_KEY"

[providers.impatient]
dialect = "ollama"
base_url = "{url}/ollama"
timeouts = {{ total = 0.5 }}

# Chats end before the Retry-After of a busy provider, so the client waits.
[providers.hurried]
dialect = "ollama"
base_url = "{url}/ollama"
timeouts = {{ total = 2.5 }}
"""


def every(*values: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return every combination, for `parametrize`."""
    return list(product(*values))


@dataclass(frozen=True, slots=True)
class ScriptOutput:
    """The output of a client's script.

    Attributes:
        version: The client's version.
        outcomes: By the case's name: `result`, or the `error` raised.
        chats: The providers' log during the script.

    """

    version: str
    outcomes: Mapping[str, Json]
    chats: tuple[LoggedChat, ...]

    def result(self, case: str) -> Any:
        """Return the result of a case."""
        assert "result" in self.outcomes[case], self.outcomes[case]
        return self.outcomes[case]["result"]

    def error(self, case: str) -> Json:
        """Return the exception of a case."""
        assert "error" in self.outcomes[case], self.outcomes[case]
        return dict(self.outcomes[case]["error"])


@dataclass(frozen=True, slots=True)
class Clients:
    """Run clients' scripts, each once."""

    parameters: Mapping[str, Any]
    folder: Path
    providers: Providers
    outputs: dict[str, ScriptOutput] = field(default_factory=dict)

    def __call__(self, script: str) -> ScriptOutput:
        """Return the output of `tests/clients/scripts/<script>`."""
        if script not in self.outputs:
            before = len(self.providers.log)
            output = self._run(script)
            chats = tuple(self.providers.log[before:])
            self.outputs[script] = ScriptOutput(output["version"], output["outcomes"], chats)
        return self.outputs[script]

    def _run(self, script: str) -> dict[str, Any]:
        return run_script(script, self.parameters, self.folder)


def run_script(script: str, parameters: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Run a client's script in a home folder of its own; return its output."""
    home = folder / script
    home.mkdir()
    ended = subprocess.run(
        _command(script),
        input=json.dumps(parameters),
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUTF8": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def _command(script: str) -> list[str | Path]:
    """Return the command of a script, in the environment of its client."""
    needs_agents = script in AGENT_SCRIPTS | embedding_features.AGENT_SCRIPTS
    if needs_agents:
        require_agents()
    if script.endswith(".mjs"):
        return [node(), Path(__file__).parent / "scripts" / script]
    return [AGENTS_PYTHON if needs_agents else PYTHON, "-m", f"{SCRIPTS}.{script}"]


@pytest.fixture(scope="session")
def stubs() -> Iterator[tuple[str, Providers]]:
    """Run the providers; yield their URL and log."""

    with upstream(raw(b"")) as server:
        served = Providers(server.going.wait)
        server.script = served.answer
        yield server.url, served


@pytest.fixture(scope="session")
def provider_log(stubs: tuple[str, Providers]) -> Providers:
    """Return the providers with their log."""
    return stubs[1]


@pytest.fixture(scope="session")
def start_for_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Yield a starter of gateways that stop with the session."""
    started: list[Gateway] = []
    yield _starter(tmp_path_factory.mktemp("gateways"), started)
    _ended(started)


@pytest.fixture(scope="session")
def at_fault(start_for_clients: Start, tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """Start a gateway and invalidate its configuration: every chat is an internal error."""
    config = tmp_path_factory.mktemp("config") / "chatd.toml"
    config.touch()
    gateway = start_for_clients(*CODE, CHATD_CONFIG=str(config), CHATD_WORKERS="1")
    config.write_text("default_provider = 1")
    return gateway


@pytest.fixture(scope="session")
def clients(
    stubs: tuple[str, Providers],
    start_for_clients: Start,
    at_fault: Gateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> Clients:
    """Return the clients, all with the same gateway."""
    assert PYTHON.exists(), "the clients are missing: make .venv-clients/clients.stamp"
    folder = tmp_path_factory.mktemp("clients")
    config = folder / "chatd.toml"
    config.write_text(CONFIG.format(url=stubs[0]))
    gateway = start_for_clients(
        *CODE,
        **providers.environment(stubs[0]),
        CHATD_CALLER_KEYS=CALLER_KEY,
        CHATD_CONFIG=str(config),
    )
    parameters = {
        "url": f"{gateway.url}/v1",
        "at_fault": f"{at_fault.url}/v1",
        "key": CALLER_KEY,
        "models": {name: f"{name}/{model}" for name, model in MODELS.items()},
        "embedding_models": {name: f"{name}/{model}" for name, model in EMBEDDING_MODELS.items()},
        # For scripts in other languages than Python.
        "texts": TEXTS,
        "modules": str(MODULES),
        "prompts": {"hello": HELLO, "weather": ASK_WEATHER, "json": ASK_JSON, "image": ASK_IMAGE},
        "png": base64.b64encode(PNG).decode(),
    }
    return Clients(parameters, folder, stubs[1])
