"""One gateway for every client, made by `python -m local`, with all providers behind it.

A client's script runs once, in the callers' own environment (.venv-clients), and tells as JSON what
became of each of its cases; the tests then look at them one by one.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.clients import providers
from tests.clients.providers import MODELS, Providers, Seen
from tests.clients.stub_model import Json
from tests.local.conftest import ROOT, Gateway, Start, _ended, _starter
from tests.support.upstream import raw, upstream

PYTHON = ROOT / ".venv-clients/bin/python"
CALLER_KEY = "made-up-caller-key-0123456789"
# Seconds for a whole script; far more than it takes.
PATIENCE = 120.0
CODE = ("--code", str(ROOT / "functions"))

# A provider that has no key, and one that nobody has the patience for.
CONFIG = """\
[providers.keyless]
dialect = "openai_chat"
base_url = "https://keyless.example/v1"
key_variable = "KEYLESS_API_KEY"

[providers.impatient]
dialect = "ollama"
base_url = "{url}/ollama"
timeouts = {{ total = 0.5 }}

# Its chats end before the wait that a busy provider asks for, so the wait is the client's.
[providers.hurried]
dialect = "ollama"
base_url = "{url}/ollama"
timeouts = {{ total = 2.5 }}
"""


def every(*these: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Every combination, as `parametrize` takes it."""
    return list(product(*these))


@dataclass(frozen=True, slots=True)
class Told:
    """What a client's script told.

    Attributes:
        version: The client's.
        outcomes: By the case's name: `result`, or the `error` that was raised.
        seen: What the providers saw of it.

    """

    version: str
    outcomes: Mapping[str, Json]
    seen: tuple[Seen, ...]

    def result(self, case: str) -> Any:
        """What the case gave."""
        assert "result" in self.outcomes[case], self.outcomes[case]
        return self.outcomes[case]["result"]

    def error(self, case: str) -> Json:
        """What the case raised."""
        assert "error" in self.outcomes[case], self.outcomes[case]
        return dict(self.outcomes[case]["error"])


@dataclass(frozen=True, slots=True)
class Clients:
    """Runs clients' scripts, each once."""

    given: Mapping[str, Any]
    folder: Path
    providers: Providers
    told: dict[str, Told] = field(default_factory=dict)

    def __call__(self, script: str) -> Told:
        """What became of the cases of `tests/clients/scripts/<script>.py`."""
        if script not in self.told:
            before = len(self.providers.seen)
            told = self._run(script)
            seen = tuple(self.providers.seen[before:])
            self.told[script] = Told(told["version"], told["outcomes"], seen)
        return self.told[script]

    def _run(self, script: str) -> dict[str, Any]:
        home = self.folder / script
        home.mkdir()
        ended = subprocess.run(
            [PYTHON, "-m", f"tests.clients.scripts.{script}"],
            input=json.dumps(self.given),
            env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONUTF8": "1"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return dict(json.loads(ended.stdout))


@pytest.fixture(scope="session")
def five() -> Iterator[tuple[str, Providers]]:
    """The providers, and their URL."""

    with upstream(raw(b"")) as server:
        them = Providers(server.going.wait)
        server.script = them.answer
        yield server.url, them


@pytest.fixture(scope="session")
def seen(five: tuple[str, Providers]) -> Providers:
    """What the providers saw."""
    return five[1]


@pytest.fixture(scope="session")
def start_for_clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts gateways that are ended with the session."""
    started: list[Gateway] = []
    yield _starter(tmp_path_factory.mktemp("gateways"), started)
    _ended(started)


@pytest.fixture(scope="session")
def at_fault(start_for_clients: Start, tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    """A gateway whose configuration was spoilt after its start: every chat is a fault of ours."""
    config = tmp_path_factory.mktemp("config") / "chatd.toml"
    config.touch()
    gateway = start_for_clients(*CODE, CHATD_CONFIG=str(config), CHATD_WORKERS="1")
    config.write_text("default_provider = 1")
    return gateway


@pytest.fixture(scope="session")
def clients(
    five: tuple[str, Providers],
    start_for_clients: Start,
    at_fault: Gateway,
    tmp_path_factory: pytest.TempPathFactory,
) -> Clients:
    """The clients, all of which call the same gateway."""
    assert PYTHON.exists(), "the clients are missing: make .venv-clients/clients.stamp"
    folder = tmp_path_factory.mktemp("clients")
    config = folder / "chatd.toml"
    config.write_text(CONFIG.format(url=five[0]))
    gateway = start_for_clients(
        *CODE,
        **providers.environment(five[0]),
        CHATD_CALLER_KEYS=CALLER_KEY,
        CHATD_CONFIG=str(config),
    )
    given = {
        "url": f"{gateway.url}/v1",
        "at_fault": f"{at_fault.url}/v1",
        "key": CALLER_KEY,
        "models": {name: f"{name}/{model}" for name, model in MODELS.items()},
    }
    return Clients(given, folder, five[1])
