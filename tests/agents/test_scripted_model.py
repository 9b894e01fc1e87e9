"""The agents finish the task at the scripted model itself, so other failures are the gateway's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents import task
from tests.agents.programs import Scene, claude_code, codex
from tests.agents.scripted_model import ScriptedModel


@pytest.fixture
def scene(model: ScriptedModel, tmp_path: Path, home: Path) -> Scene:
    return Scene(model.url, "sk-made-up", home, task.make_folder(tmp_path / "scratch"))


def test_claude_code_finishes_the_task(scene: Scene, model: ScriptedModel) -> None:
    ended = claude_code(scene, task.PROMPT.format(folder=scene.folder), "steady")

    assert model.refused == []
    assert (ended.status, ended.output.strip()) == (0, task.FINAL), ended
    assert (scene.folder / "check.txt").read_text() == task.AFTER


@pytest.mark.parametrize("name", ["unknown", "gpt-5.5", "gpt-6-sol"])
def test_codex_finishes_the_task(scene: Scene, model: ScriptedModel, name: str) -> None:
    ended = codex(scene, task.PROMPT.format(folder=scene.folder), name)

    assert model.refused == []
    assert (ended.status, ended.output.strip()) == (0, task.FINAL), ended
    assert (scene.folder / "check.txt").read_text() == task.AFTER
