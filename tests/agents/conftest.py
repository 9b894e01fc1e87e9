"""Start the scripted model and gateways, and give each run of an agent its own folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.programs import require_agents
from tests.agents.scripted_model import ScriptedModel, scripted_model
from tests.local.conftest import Gateway, Start, _ended, _starter


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    """Run the scripted model for the tests of a module."""
    require_agents()
    with scripted_model() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return an empty home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def start_for_agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Yield a starter of gateways that stop with the module."""
    require_agents()
    started: list[Gateway] = []
    yield _starter(tmp_path_factory.mktemp("gateways"), started)
    _ended(started)
