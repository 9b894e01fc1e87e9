"""A broken completion continues by a longer prompt, where the model gets the prompt as it is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import stream
from tests.support.upstream import Received, Upstream, chunked, then_close, upstream

PATH = "/v1/completions"
PROMPT = "The sky "
ROW = 'dialect = "openai_chat"\nbase_url = "{url}"\n'


@pytest.fixture
def broken() -> Iterator[Upstream]:
    """Serve a model that breaks off after two words."""
    with upstream(then_close(chunked(answers.text_chunks("is ", "blue ")[:2]))) as server:
        yield server


@pytest.fixture
def second() -> Iterator[Upstream]:
    """Serve a model that continues any prompt with the same two words."""

    def script(connection: socket.socket, received: Received) -> None:
        words = ("by ", "day.")
        generate = received.path.endswith("/api/generate")
        lines = answers.ollama_lines(*words, path=received.path)
        chunked(lines if generate else answers.text_chunks(*words))(connection, received)

    with upstream(script) as server:
        yield server


def completed(
    config: Path, broken: Upstream, second: Upstream, row: str = "", **more: Any
) -> tuple[str, dict[str, Any] | None]:
    """Return the text of a tier's stream, and the error at its end."""
    two = ROW.format(url=second.url)
    config.write_text(
        '[tiers]\nt = ["one/a", "two/b"]\n'
        f"[providers.one]\n{ROW.format(url=broken.url)}\n[providers.two]\n{row or two}\n"
    )
    events = stream({"model": "t", "prompt": PROMPT, **more}, PATH).json
    texts = [choice["text"] for event in events for choice in event.get("choices", ())]
    return "".join(texts), events[-1].get("error")


def test_the_next_model_continues_the_prompt_and_the_text_so_far(
    config: Path, broken: Upstream, second: Upstream
) -> None:
    found = completed(config, broken, second, max_tokens=100, suffix="\n", min_p=0.1)

    assert found == ("is blue by day.", None)
    assert second.last.json == {
        "model": "b",
        "prompt": f"{PROMPT}is blue ",
        "max_tokens": 98,
        "suffix": "\n",
        "min_p": 0.1,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_stream_has_one_id_and_names_both_models(
    config: Path, broken: Upstream, second: Upstream
) -> None:
    completed(config, broken, second)
    events = stream({"model": "t", "prompt": PROMPT}, PATH).json

    assert len({event["id"] for event in events}) == 1
    assert {event["model"] for event in events} == {"vendor/model"}
    assert events[-1]["rescued"] == {"from": ["one/a"], "by": "two/b"}
    assert [event["choices"][0]["finish_reason"] for event in events][-1] == "stop"


def test_ollama_continues_a_raw_prompt(config: Path, broken: Upstream, second: Upstream) -> None:
    row = f'dialect = "ollama"\nbase_url = "{second.url}"\n'

    assert completed(config, broken, second, row, raw=True) == ("is blue by day.", None)
    assert second.last.json["prompt"] == f"{PROMPT}is blue "
    assert second.last.json["raw"] is True


KEPT_APART: dict[str, tuple[str, dict[str, Any]]] = {
    "a template of Ollama": ('dialect = "ollama"\nbase_url = "{url}"\n', {}),
    "a template of the row": (ROW + 'completions = "template"\n', {}),
    "an echo": (ROW, {"echo": True}),
    "several prompts": (ROW, {"prompt": [PROMPT, "b"]}),
}


@pytest.mark.parametrize("case", sorted(KEPT_APART))
def test_another_prompt_begins_anew_and_is_not_joined_to_other_words(
    config: Path, broken: Upstream, second: Upstream, case: str
) -> None:
    row, more = KEPT_APART[case]

    text, error = completed(config, broken, second, row.format(url=second.url), **more)

    assert text == "is blue "
    assert error is not None
    assert error["code"] == "upstream_stream_error"
    sent = second.last.json["prompt"]
    assert sent == more.get("prompt", PROMPT)


def test_log_probabilities_are_not_joined(config: Path, second: Upstream) -> None:
    logprobs = {"tokens": ["is"], "token_logprobs": [-0.1], "top_logprobs": [], "text_offset": [0]}
    choice = {"index": 0, "text": "is ", "logprobs": logprobs, "finish_reason": None}
    with upstream(then_close(chunked([answers.sse({"choices": [choice]})]))) as server:
        text, error = completed(config, server, second, logprobs=1)

    assert (text, error is not None) == ("is ", True)
    assert second.received == []
