"""Client programs use Bedrock's models by the role's credentials, in every dialect of the row.

The gateway is that of `make run` with AWS credentials in its environment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.clients.conftest import CALLER_KEY, CODE, ScriptOutput, every, run_script
from tests.clients.features import BEYOND, CLIENTS, FEATURES, holds
from tests.local.conftest import Start
from tests.support.bedrock.fake import FakeBedrock, fake_bedrock
from tests.support.bedrock.signatures import Key, environment

# By a name for the tests: the model, and the route that serves it.
MODELS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "claude": ("us.anthropic.claude-opus-4-8", "/anthropic/v1/messages"),
        "gpt": ("us.openai.gpt-6-sol", "/openai/v1/responses"),
        "gpt-oss": ("openai.gpt-oss-120b-1:0", "/openai/v1/chat/completions"),
        "nova": ("amazon.nova-lite-v1:0", "/model/amazon.nova-lite-v1%3A0/converse"),
    }
)
SCRIPTS = ("use_openai", "use_anthropic", "use_responses")
# Further cases of each script.
FURTHER = MappingProxyType(
    {
        "use_openai": (
            *("streamed tool call", "two parallel tool calls, streamed", "tools with thinking"),
            *("required tool call: `tool_choice`", "JSON object"),
        ),
        "use_anthropic": (
            *("streamed tool call", "two parallel tool calls, streamed", "tools with thinking"),
            *("required tool call: `tool_choice`", "`count_tokens`", "`models.list`"),
        ),
        "use_responses": (
            *("streamed tool call", "two parallel tool calls, streamed", "tools with thinking"),
            *("custom tool", "namespaced tool"),
        ),
    }
)


EXPECTED = {(CLIENTS[case.client], case.name): case.expected for case in BEYOND}


@dataclass(slots=True)
class Served:
    """A gateway in front of Bedrock, and the outputs of the scripts so far."""

    bedrock: FakeBedrock
    parameters: Mapping[str, Any]
    folder: Path
    outputs: dict[str, ScriptOutput]

    def output(self, script: str) -> ScriptOutput:
        """Return the output of a script, which runs once."""
        if script not in self.outputs:
            found = run_script(script, self.parameters, self.folder)
            self.outputs[script] = ScriptOutput(found["version"], found["outcomes"], ())
        return self.outputs[script]


@pytest.fixture(scope="module")
def served(start_for_clients: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("bedrock")
    config = folder / "chatd.toml"
    config.touch()
    with fake_bedrock() as bedrock:
        gateway = start_for_clients(
            *CODE,
            **environment(Key(), "us-east-1"),
            AWS_ENDPOINT_URL_BEDROCK_RUNTIME=bedrock.url,
            CHATD_CALLER_KEYS=CALLER_KEY,
            CHATD_CONFIG=str(config),
        )
        models = {name: f"bedrock/{model}" for name, (model, _) in MODELS.items()}
        parameters = {"url": f"{gateway.url}/v1", "at_fault": "", "key": CALLER_KEY}
        yield Served(bedrock, {**parameters, "models": models}, folder, {})


@pytest.mark.parametrize(
    ("script", "feature", "model"), every(SCRIPTS, sorted(FEATURES), sorted(MODELS))
)
def test_a_feature_works(served: Served, script: str, feature: str, model: str) -> None:
    outcome = served.output(script).outcomes[f"{feature} {model}"]

    assert holds(outcome, FEATURES[feature], "bedrock"), outcome


@pytest.mark.parametrize(
    ("script", "case", "model"),
    [(script, *pair) for script in SCRIPTS for pair in every(FURTHER[script], sorted(MODELS))],
)
def test_a_further_case_works(served: Served, script: str, case: str, model: str) -> None:
    outcome = served.output(script).outcomes[f"{case} {model}"]

    assert holds(outcome, EXPECTED[script, case], "bedrock"), outcome


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_model_is_served_on_its_route_and_each_request_is_signed(
    served: Served, script: str
) -> None:
    served.output(script)

    chats = served.bedrock.chats()
    assert {chat.way for chat in chats} == {"sigv4"}
    assert {chat.path.removesuffix("-stream") for chat in chats} == {
        route for _, route in MODELS.values()
    }
