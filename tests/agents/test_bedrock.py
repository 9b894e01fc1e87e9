"""Claude Code finishes its task through Bedrock's models, and when a region throttles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.agents import task
from tests.agents.programs import Ended, Scene, claude_code
from tests.local.conftest import ROOT, Start
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.fake import FakeBedrock, Midway, fake_bedrock
from tests.support.bedrock.signatures import Key, environment

CALLER_KEY = "made-up-caller-key-0123456789"
# By the dialect that serves it.
MODELS: Mapping[str, str] = MappingProxyType(
    {
        "anthropic_messages": "us.anthropic.claude-opus-4-8",
        "bedrock_converse": "amazon.nova-lite-v1:0",
        "openai_chat": "us.xai.grok-4.6",
        "openai_responses": "us.openai.gpt-6-sol",
    }
)
# A second region stands beside the first.
CONFIG = """\
[providers.bedrock_eu]
like = "bedrock"
base_url = "{url}"
aws = {{ region = "eu-west-1" }}

[tiers]
two-regions = ["bedrock/us.anthropic.claude-opus-4-8", "bedrock_eu/eu.anthropic.claude-opus-4-8"]
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A gateway in front of Bedrock in two regions."""

    url: str
    first: FakeBedrock
    second: FakeBedrock

    def run(self, folder: Path, model: str) -> tuple[Scene, Ended]:
        """Run Claude Code on its task with a model."""
        home = folder / "home"
        home.mkdir()
        for bedrock in (self.first, self.second):
            bedrock.log.clear()
            bedrock.refused.clear()
        scene = Scene(self.url, CALLER_KEY, home, task.make_folder(folder / "scratch"))
        return scene, claude_code(scene, task.PROMPT.format(folder=scene.folder), model)


@pytest.fixture(scope="module")
def served(start_for_agents: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    config = tmp_path_factory.mktemp("bedrock") / "chatd.toml"
    with fake_bedrock() as first, fake_bedrock() as second:
        first.reply = second.reply = task.reply
        second.access.region = "eu-west-1"
        config.write_text(CONFIG.format(url=second.url))
        gateway = start_for_agents(
            *("--code", str(ROOT / "functions")),
            **environment(Key(), "us-east-1"),
            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=first.url,
            CHATD_CALLER_KEYS=CALLER_KEY,
            CHATD_CONFIG=str(config),
        )
        yield Served(gateway.url, first, second)


def assert_finished(scene: Scene, ended: Ended) -> None:
    assert (ended.status, ended.output.strip()) == (0, task.FINAL), ended
    assert (scene.folder / "notes.txt").read_text() == task.AFTER
    assert (scene.folder / "check.txt").read_text() == task.AFTER


@pytest.mark.parametrize("dialect", sorted(MODELS))
def test_the_task_is_finished(served: Served, tmp_path: Path, dialect: str) -> None:
    scene, ended = served.run(tmp_path, f"bedrock/{MODELS[dialect]}")

    assert_finished(scene, ended)
    assert served.first.refused == []
    assert {chat.way for chat in served.first.chats()} == {"sigv4"}
    assert served.second.chats() == []


def test_a_second_region_takes_over_from_streams_that_the_first_throttles(
    served: Served, tmp_path: Path
) -> None:
    served.first.fault = Midway(BedrockError("ThrottlingException", "Too many tokens"), pieces=8)

    scene, ended = served.run(tmp_path, "two-regions")

    served.first.fault = None
    assert_finished(scene, ended)
    assert served.second.refused == []
    assert served.first.chats()
    assert served.second.chats()
