"""Codex finishes its task through providers of every dialect, and through their faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.agents import task, tour
from tests.agents.gateway import Stage, pair, stage, target
from tests.agents.programs import Ended, Scene, codex
from tests.agents.scripted_model import DIALECTS
from tests.agents.takeovers import TAKEOVERS
from tests.clients.stub_responses import ENCRYPTED
from tests.local.conftest import Start

PAIRS = TAKEOVERS["Codex"]
TIERS = {
    **{pair(*two): [target("dying", two[0]), target("steady", two[1])] for two in PAIRS},
    "spent-first": [target("spent", "openai_responses"), target("steady", "anthropic_messages")],
    # Names that Codex knows: its tools include custom tools, and for the second only those.
    "gpt-5.5": [target("steady", "ollama")],
    "gpt-6-sol": [target("steady", "openai_chat")],
    "gpt-5.6-sol": [target("steady", "openai_responses")],
}


@pytest.fixture(scope="module")
def served(start_for_agents: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(start_for_agents, tmp_path_factory.mktemp("stage"), TIERS) as running:
        yield running


def run(served: Stage, folder: Path, model: str, script: ModuleType = task) -> tuple[Scene, Ended]:
    scene = served.scene(folder, script)
    return scene, codex(scene, script.PROMPT.format(folder=scene.folder), model)


def assert_finished(scene: Scene, ended: Ended) -> None:
    assert (ended.status, ended.output.strip()) == (0, task.FINAL), ended
    assert (scene.folder / "notes.txt").read_text() == task.AFTER
    assert (scene.folder / "check.txt").read_text() == task.AFTER


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_task_is_finished(served: Stage, tmp_path: Path, dialect: str) -> None:
    scene, ended = run(served, tmp_path, target("steady", dialect))

    log = served.checked_log()
    assert_finished(scene, ended)
    assert {(logged.way, logged.dialect) for logged in log} == {("steady", dialect)}


@pytest.mark.parametrize("name", ["gpt-5.5", "gpt-6-sol", "gpt-5.6-sol"])
def test_a_tier_with_the_name_of_a_model_that_codex_knows_serves(
    served: Stage, tmp_path: Path, name: str
) -> None:
    scene, ended = run(served, tmp_path, name)

    log = served.checked_log()
    assert_finished(scene, ended)
    (wanted,) = TIERS[name]
    assert {target("steady", logged.dialect) for logged in log} == {wanted}


def test_the_provider_gets_its_encrypted_reasoning_back(served: Stage, tmp_path: Path) -> None:
    run(served, tmp_path, target("steady", "openai_responses"))

    *_, last = served.checked_log()
    reasoning = [item for item in last.body["input"] if item.get("type") == "reasoning"]
    assert [item["encrypted_content"] for item in reasoning] == [ENCRYPTED] * 3
    assert [item["summary"][0]["text"] for item in reasoning] == [task.THINKING] * 3


@pytest.mark.parametrize(("dying", "second"), PAIRS)
def test_another_dialect_takes_over_from_a_stream_that_dies(
    served: Stage, tmp_path: Path, dying: str, second: str
) -> None:
    scene, ended = run(served, tmp_path, pair(dying, second))

    log = served.checked_log()
    assert_finished(scene, ended)
    ways = [(logged.way, logged.dialect) for logged in log]
    assert ways[:2] == [("dying", dying), ("steady", second)]
    # After a broken stream, Codex would repeat its request: two more of the same length.
    assert len(log) <= 8
    own = [logged.text for logged in log if logged.way == "steady"]
    assert not any(ENCRYPTED in text for text in own) or second == "openai_responses"


def test_the_next_model_of_a_tier_answers_for_an_exhausted_provider(
    served: Stage, tmp_path: Path
) -> None:
    scene, ended = run(served, tmp_path, "spent-first")

    log = served.checked_log()
    assert_finished(scene, ended)
    assert [logged.way for logged in log][:2] == ["spent", "steady"]


def test_an_exhausted_provider_alone_ends_the_run_with_its_message(
    served: Stage, tmp_path: Path
) -> None:
    scene, ended = run(served, tmp_path, target("spent", "ollama"))

    log = served.checked_log()
    assert ended.status != 0
    # Codex has words of its own for the code `insufficient_quota`, and does not repeat the request.
    assert "Quota exceeded. Check your plan and billing details." in ended.errors
    assert [logged.way for logged in log] == ["spent"]
    assert (scene.folder / "notes.txt").read_text() == task.BEFORE


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_picture_that_a_tool_reads_reaches_the_model(
    served: Stage, tmp_path: Path, dialect: str
) -> None:
    _, ended = run(served, tmp_path, target("steady", dialect), tour)

    served.checked_log()
    assert (ended.status, ended.output.strip()) == (0, "1 picture. No search."), ended


def test_a_turn_whose_tool_call_broke_off_is_repeated(served: Stage, tmp_path: Path) -> None:
    scene, ended = run(served, tmp_path, target("cutting", "anthropic_messages"))

    first, second, *_ = (logged.body["messages"] for logged in served.checked_log())
    assert_finished(scene, ended)
    # Codex sends the text of the broken answer, after which Claude needs a turn of the user.
    assert second[: len(first)] == first
    assert [turn["role"] for turn in second[len(first) :]] == ["assistant", "user"]
