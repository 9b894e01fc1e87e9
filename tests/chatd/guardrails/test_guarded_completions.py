"""A guardrail checks and masks the prompts and the suffix of a completion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.chatd.guardrails.conftest import BLOCKED, GUARDRAIL, checks
from tests.support import answers
from tests.support.bedrock.fake import FakeBedrock
from tests.support.functions import HttpResult, post, stream
from tests.support.upstream import Upstream, chunked, reply, then_close, upstream

PATH = "/v1/completions"
COMPLETION = {
    "id": "cmpl-1",
    "object": "text_completion",
    "model": "m",
    "choices": [{"index": 0, "text": "Yes.", "finish_reason": "stop"}],
}


def row(name: str, url: str) -> str:
    fields = f'dialect = "openai_chat"\nbase_url = "{url}/v1"\n{GUARDRAIL} }}\n'
    return f"[providers.{name}]\n{fields}"


@pytest.fixture
def guarded_row(config: Path, bedrock: FakeBedrock, provider: Upstream) -> Upstream:
    """Serve completions under the row `own`, which has a guardrail."""
    config.write_text(row("own", provider.url))
    provider.script = reply(COMPLETION)
    return provider


def completed(**body: Any) -> HttpResult:
    return post({"model": "own/m", **body}, PATH)


@pytest.mark.parametrize("prompt", [[1, 2], [[1, 2], [3]]])
def test_a_prompt_of_tokens_is_refused(guarded_row: Upstream, prompt: list[Any]) -> None:
    response = completed(prompt=prompt)

    assert response.status == 400
    assert response.json["error"]["param"] == "prompt"
    assert "guardrail" in response.json["error"]["message"]
    assert guarded_row.received == []


def test_a_blocked_suffix_is_answered_without_the_provider(guarded_row: Upstream) -> None:
    response = completed(prompt="Light the ", suffix=" of the bomb")

    assert response.json["choices"][0]["text"] == BLOCKED
    assert guarded_row.received == []


def test_masks_are_in_the_prompt_and_the_suffix(guarded_row: Upstream) -> None:
    completed(prompt="From a@b.example", suffix="to a@b.example.")

    assert guarded_row.last.json["prompt"] == "From {EMAIL}"
    assert guarded_row.last.json["suffix"] == "to {EMAIL}."


def test_several_prompts_stay_apart_with_masks(guarded_row: Upstream) -> None:
    completed(prompt=["To a@b.example", "Hello", ""])

    assert guarded_row.last.json["prompt"] == ["To {EMAIL}", "Hello", ""]


def test_a_failover_in_mid_stream_continues_the_masked_prompt(
    config: Path, bedrock: FakeBedrock, provider: Upstream
) -> None:
    words = ["All is well. "] * 100
    provider.script = chunked(answers.text_chunks("And ", "so on."))
    with upstream(then_close(chunked(answers.text_chunks(*words)[:100]))) as broken:
        tiers = '[tiers]\nt = ["one/a", "two/b"]\n'
        config.write_text(tiers + row("one", broken.url) + row("two", provider.url))
        events = stream({"model": "t", "prompt": "I am a@b.example. "}, PATH).json

    text = "".join(choice["text"] for event in events for choice in event.get("choices", ()))
    assert text.endswith("And so on.")
    assert broken.last.json["prompt"] == "I am {EMAIL}. "
    assert provider.last.json["prompt"] == "I am {EMAIL}. " + text.removesuffix("And so on.")
    assert "a@b.example" not in json.dumps(provider.last.json)
    assert [source for source, _ in checks(bedrock)].count("INPUT") == 1
