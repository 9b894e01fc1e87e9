"""Every provider's row sends what its vendor takes, or refuses before it sends, or names the loss.

The vendors are strict fakes (tests/support/vendors) on one socket, and the gateway runs in this
process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from chatd.config.catalog import CATALOG
from tests.contract.vendor_chats import CASES
from tests.contract.vendor_run import Run, running
from tests.contract.vendor_verdicts import judge
from tests.support.vendors import VENDORS, vendor_of

# A row on AWS signs its requests; its strict fake is tests/support/bedrock.
SUBJECTS = [
    (name, model)
    for name, row in CATALOG.items()
    if row.aws is None
    for model in vendor_of(name).models
]
# The chats that a row does not yet bring to its vendor, by row.
GAPS: Mapping[str, frozenset[str]] = {
    "openai": frozenset(["temperature", "top_p", "stop", "penalties", "logprobs"]),
    "kimi": frozenset(["two choices"]),
    "gemini": frozenset(
        [
            "streamed tools",
            "a tool's result",
            "two tools' results",
            "a result with reasoning",
            "schema beside tools",
            "seed",
            "penalties",
            "labels",
        ]
    ),
    "mistral": frozenset(
        [
            "developer",
            "an answer of the SDK",
            "reasoning in the history",
            "a name",
            "a tool's result",
            "two tools' results",
            "a result with reasoning",
            "schema beside tools",
        ]
    ),
    "deepseek": frozenset(
        [
            "developer",
            "forced tool",
            "required tool",
            "a tool's result",
            "two tools' results",
            "schema beside tools",
            "image",
        ]
    ),
    "xai": frozenset(
        ["no thinking", "stop", "penalties", "thinking", "streamed thinking", "tools with thinking"]
    ),
    "cohere": frozenset(
        ["strict tools", "forced tool", "single call", "tools with thinking", "labels"]
    ),
    "perplexity": frozenset(
        [
            "developer",
            "two user turns",
            "tools",
            "streamed tools",
            "strict tools",
            "tool choice auto",
            "tool choice none",
            "forced tool",
            "required tool",
            "single call",
            "a tool's result",
            "two tools' results",
            "a result with reasoning",
            "schema beside tools",
            "tools with thinking",
            "prefill",
        ]
    ),
    "zai": frozenset(
        [
            "developer",
            "tool choice none",
            "forced tool",
            "required tool",
            "schema",
            "streamed schema",
            "schema beside tools",
        ]
    ),
    "minimax": frozenset(["two system turns", "developer", "two choices"]),
    "moonshot": frozenset(
        [
            "forced tool",
            "required tool",
            "a tool's result",
            "two tools' results",
            "schema beside tools",
            "temperature",
            "top_p",
            "penalties",
            "two choices",
        ]
    ),
    "dashscope": frozenset(["developer"]),
    "groq": frozenset(
        [
            "reasoning in the history",
            "a result with reasoning",
            "streamed schema",
            "schema beside tools",
            "two choices",
            "logprobs",
            "labels",
        ]
    ),
    "fireworks": frozenset(["schema beside tools"]),
    "cerebras": frozenset(
        [
            "reasoning in the history",
            "single call",
            "a result with reasoning",
            "schema beside tools",
            "labels",
        ]
    ),
    "sambanova": frozenset(["image"]),
    "nvidia": frozenset(["labels"]),
}


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with running() as run:
        yield run


@pytest.mark.parametrize(("row", "model"), SUBJECTS)
def test_a_vendor_takes_every_chat_or_the_caller_is_refused_or_warned(
    row: str, model: str, run: Run
) -> None:
    problems = {}
    for name, case in CASES.items():
        try:
            judge(name, case.body, run.ask(f"{row}/{model}", case.body))
        except AssertionError as problem:
            problems[name] = str(problem)

    unexpected = {name: words for name, words in problems.items() if name not in GAPS.get(row, ())}
    assert unexpected == {}


def test_every_vendor_of_the_table_has_a_row_or_awaits_one() -> None:
    assert set(VENDORS) - set(CATALOG) <= {"azure", "vllm", "lm_studio", "llama_cpp"}
