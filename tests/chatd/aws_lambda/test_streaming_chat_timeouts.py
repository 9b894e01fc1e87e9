"""A silent or stalled provider reaches the limit of its row."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.support import answers
from tests.support.chat_streams import OPENAI
from tests.support.functions import ask, stream
from tests.support.upstream import Received, Upstream, head, silent

pytestmark = pytest.mark.usefixtures("provider", "keys")


@pytest.mark.parametrize("limit", ["silence", "first_event"])
def test_a_silent_provider_is_504_at_its_limit(
    provider: Upstream, config: Path, limit: str
) -> None:
    config.write_text(f"[providers.ollama.timeouts]\n{limit} = 0.2\ntotal = 60")
    provider.script = silent(provider)
    started = time.monotonic()

    assert stream(ask("m")).status == 504
    assert time.monotonic() - started < 20  # far from any other limit


def test_a_stall_past_the_gap_limit_is_a_timeout_event(provider: Upstream, config: Path) -> None:
    config.write_text("[providers.ollama.timeouts]\ngap = 0.2")
    lines = answers.ollama_lines("Hello")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}) + lines[0])
        provider.going.wait()

    provider.script = script

    *_, last = stream(ask("m")).json
    assert last["error"]["code"] == "upstream_timeout"


def test_comments_of_the_provider_do_not_extend_the_first_event_limit(
    provider: Upstream, config: Path
) -> None:
    config.write_text("[providers.kimi.timeouts]\nsilence = 5\nfirst_event = 0.4")

    def script(connection: socket.socket, _received: Received) -> None:
        connection.sendall(head(200, {"Connection": "close"}))
        while not provider.going.wait(0.02):
            connection.sendall(b": PROCESSING\n\n")

    provider.script = script

    assert stream(ask("kimi/k3"), OPENAI).status == 504
