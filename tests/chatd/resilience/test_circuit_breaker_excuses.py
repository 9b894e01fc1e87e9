"""Hang-ups, short deadlines and complete streams do not count against a circuit.

Each chat has a text of its own, as failures of one request alone open no circuit.
"""

from __future__ import annotations

import json
import socket
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import chat.app
from chatd.aws_lambda.streaming import Collected
from chatd.resilience.circuit_breaker import FAILURES
from tests.support import answers
from tests.support.functions import LambdaContext, ask, http_event, post
from tests.support.upstream import Received, Script, Upstream, chunked, head, silent

# More failures than open a circuit.
MANY = FAILURES + 3
# Seconds to wait for an event; far more than the event takes.
PATIENCE = 30.0
TEXTS = (f"text {number}" for number in count())


@pytest.fixture
def tier(provider: Upstream, config: Path) -> Upstream:
    """Yield the provider of the tier `fast`; the model has a circuit of its own."""
    limits = "silence = 0.2\nsilence_with_fallback = 0.2"
    config.write_text(
        f'[tiers]\nfast = ["ollama/llama3.2"]\n[providers.ollama]\nupstream_stream = true\n'
        f"[providers.ollama.timeouts]\n{limits}\n"
    )
    return provider


def is_answered(provider: Upstream, working: Script) -> bool:
    """Return whether the next chat reaches the provider and succeeds."""
    provider.script = working
    before = len(provider.received)
    return post(ask("fast", next(TEXTS))).status == 200 and len(provider.received) > before


def stalled(provider: Upstream) -> Script:
    """Send the first word of an answer, then stall until the test ends."""

    def script(connection: socket.socket, _received: Received) -> None:
        word, *_ = answers.ollama_lines("Hello")
        connection.sendall(head(200, {"Connection": "close"}) + word)
        provider.going.wait()

    return script


class FirstPieceSink(Collected):
    """Signal the first piece."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived = threading.Event()

    def write(self, data: bytes) -> None:
        super().write(data)
        self.arrived.set()


def hang_up(provider: Upstream, *, after_first_piece: bool) -> None:
    """Start a stream, and hang up when the provider has the request or has sent the first piece."""
    requested, script = threading.Event(), provider.script

    def announcing(connection: socket.socket, received: Received) -> None:
        requested.set()
        script(connection, received)

    provider.script = announcing
    body = json.dumps({**ask("fast", next(TEXTS)), "stream": True})
    live: Any = chat.app.lambda_handler(http_event("POST", "/v1/chat", body), LambdaContext())
    sink = FirstPieceSink()
    thread = threading.Thread(target=live.write_to, args=(sink,))
    thread.start()
    assert (sink.arrived if after_first_piece else requested).wait(PATIENCE)
    live.abort()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    provider.script = script


def test_silences_past_the_providers_limit_open_its_circuit(tier: Upstream) -> None:
    working, tier.script = tier.script, silent(tier)
    for _ in range(MANY):
        post(ask("fast", next(TEXTS)))

    assert not is_answered(tier, working)


@pytest.mark.parametrize("after_first_piece", [False, True])
def test_a_caller_that_hangs_up_does_not_count_against_the_provider(
    tier: Upstream, config: Path, after_first_piece: bool
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2"]\n')
    working = tier.script
    tier.script = stalled(tier) if after_first_piece else silent(tier)
    for _ in range(MANY):
        hang_up(tier, after_first_piece=after_first_piece)

    assert is_answered(tier, working)


def test_a_chat_with_too_little_time_does_not_count_against_the_provider(
    tier: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2"]\n')
    working, tier.script = tier.script, silent(tier)
    # 0.5 s are reserved for the response.
    brief = LambdaContext(remaining_ms=700)
    for _ in range(MANY):
        event = http_event("POST", "/v1/chat", json.dumps(ask("fast", next(TEXTS))))
        assert chat.app.lambda_handler(event, brief)["statusCode"] == 504

    assert is_answered(tier, working)


def test_a_complete_stream_is_no_failure(tier: Upstream) -> None:
    working = tier.script
    tier.script = chunked(answers.ollama_lines("Hello"))
    for _ in range(MANY):
        assert post(ask("fast", next(TEXTS))).status == 200

    assert is_answered(tier, working)
