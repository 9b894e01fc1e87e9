"""In a tier of real servers, the next server answers if the first fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.programs import GREETING
from tests.support.functions import post, stream

OPENAI = "/v1/chat/completions"
TEXT = "abcdefghijklmnopqrstuvwxyz-é€😀."
LONG = [{"role": "user", "content": "x" * 600}]
SHORT = [{"role": "user", "content": "Say it."}]


@pytest.fixture
def tier(config: Path) -> str:
    config.write_text(
        config.read_text()
        + '[tiers]\nfast = ["llama/alphabet", "litellm/greeting"]\n'
        + 'failing = ["litellm/broken", "litellm/limited", "llama/alphabet"]\n'
    )
    return "fast"


def test_a_conversation_that_is_too_long_goes_to_the_next_server(tier: str) -> None:
    plain = post({"model": tier, "messages": LONG})
    streamed = stream({"model": tier, "messages": LONG})

    assert (plain.status, plain.json["content"]) == (200, GREETING)
    assert "".join(event.get("content", "") for event in streamed.json) == GREETING
    attempts = "llama: context_length_exceeded, litellm: ok"
    assert plain.headers["x-chatd-attempts"] == attempts
    assert streamed.headers["x-chatd-attempts"] == attempts


def test_a_plain_answer_of_a_tier_is_the_servers_own(tier: str) -> None:
    result = post({"model": tier, "messages": SHORT}, OPENAI)

    assert result.json["choices"][0]["message"]["content"] == TEXT
    assert result.json["usage"]["completion_tokens"] == len(TEXT.encode()) + 1


@pytest.mark.usefixtures("tier")
def test_failing_servers_are_skipped() -> None:
    result = post({"model": "failing", "messages": SHORT})

    assert (result.status, result.json["content"]) == (200, TEXT)
    assert result.headers["x-chatd-attempts"].endswith("llama: ok")
