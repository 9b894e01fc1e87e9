"""Claude Code finishes its task through providers of every dialect, and through their faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.agents import task, tour
from tests.agents.gateway import Stage, pair, stage, target
from tests.agents.programs import Ended, Scene, claude_code
from tests.agents.scripted_model import DIALECTS, SPENT
from tests.agents.takeovers import TAKEOVERS
from tests.clients.stub_anthropic import SIGNATURE
from tests.local.conftest import Start

PAIRS = TAKEOVERS["Claude Code"]
TIERS = {
    **{pair(*two): [target("dying", two[0]), target("steady", two[1])] for two in PAIRS},
    "spent-first": [target("spent", "anthropic_messages"), target("steady", "openai_responses")],
    "claude-opus-4-8": [target("steady", "ollama")],
}


@pytest.fixture(scope="module")
def served(start_for_agents: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(start_for_agents, tmp_path_factory.mktemp("stage"), TIERS) as running:
        yield running


def run(served: Stage, folder: Path, model: str, script: ModuleType = task) -> tuple[Scene, Ended]:
    scene = served.scene(folder, script)
    return scene, claude_code(scene, script.PROMPT.format(folder=scene.folder), model)


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
    assert all(logged.body["stream"] for logged in log)


def test_a_tier_with_the_name_of_a_claude_model_serves(served: Stage, tmp_path: Path) -> None:
    scene, ended = run(served, tmp_path, "claude-opus-4-8")

    log = served.checked_log()
    assert_finished(scene, ended)
    assert {(logged.way, logged.dialect) for logged in log} == {("steady", "ollama")}


def test_the_provider_gets_the_signature_of_its_thinking_back(
    served: Stage, tmp_path: Path
) -> None:
    run(served, tmp_path, target("steady", "anthropic_messages"))

    *_, last = served.checked_log()
    thinking = [
        block
        for message in last.body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "thinking"
    ]
    assert thinking == [{"type": "thinking", "thinking": task.THINKING, "signature": SIGNATURE}] * 3


@pytest.mark.parametrize(("dying", "second"), PAIRS)
def test_another_dialect_takes_over_from_a_stream_that_dies(
    served: Stage, tmp_path: Path, dying: str, second: str
) -> None:
    scene, ended = run(served, tmp_path, pair(dying, second))

    log = served.checked_log()
    assert_finished(scene, ended)
    ways = [(logged.way, logged.dialect) for logged in log]
    assert ways[:2] == [("dying", dying), ("steady", second)]
    # After a broken stream, Claude Code would repeat its request without a stream.
    assert all(logged.body["stream"] for logged in log)
    assert not any(SIGNATURE in logged.text for logged in log if logged.way == "steady")


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
    scene, ended = run(served, tmp_path, target("spent", "openai_chat"))

    log = served.checked_log()
    assert ended.status != 0
    assert SPENT["openai_chat"][1] in ended.output + ended.errors
    assert {logged.way for logged in log} == {"spent"}
    assert len(log) <= 2
    assert (scene.folder / "notes.txt").read_text() == task.BEFORE


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_picture_that_a_tool_reads_and_a_search_of_the_web_reach_the_model(
    served: Stage, tmp_path: Path, dialect: str
) -> None:
    _, ended = run(served, tmp_path, target("steady", dialect), tour)

    log = served.checked_log()
    assert (ended.status, ended.output.strip()) == (0, f"1 picture. {tour.FOUND}"), ended
    # The search is a request with no tool but Anthropic's own.
    searches = [logged for logged in log if "web_search_20250305" in logged.text]
    assert len(searches) == (dialect == "anthropic_messages")


def test_a_tool_call_that_broke_off_is_not_run_and_ends_the_run_with_its_message(
    served: Stage, tmp_path: Path
) -> None:
    scene, ended = run(served, tmp_path, target("cutting", "openai_chat"))

    served.checked_log()
    assert ended.status != 0
    assert "the connection was lost before the answer ended" in ended.output
    assert (scene.folder / "notes.txt").read_text() == task.BEFORE
