"""Log lines of chats and idempotency keys have the messages that log queries use."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import chat.app
from tests.support.functions import LambdaContext, ask, post
from tests.support.upstream import Received, Upstream, reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]
HEADERS = {"Idempotency-Key": "a-key"}


def test_a_chat_is_a_log_line_with_the_message_chat(provider: Upstream, emitted: Emits) -> None:
    post(ask("m"))

    (line,) = emitted().log
    assert (line["message"], line["level"]) == ("chat", "INFO")


def test_the_outcome_of_a_key_is_a_log_line_with_the_message_idempotency(
    provider: Upstream, emitted: Emits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHATD_IDEMPOTENCY_FILE", str(tmp_path / "answers"))
    chat.app.compose.cache_clear()
    for body in (ask("m"), ask("m"), ask("m", "Something else.")):
        post(body, headers=HEADERS)

    lines = [line for line in emitted().log if line["message"] == "idempotency"]
    assert [(line["chatd.idempotency"], line.get("error.type")) for line in lines] == [
        ("replayed", None),
        ("refused", "idempotency_key_reused"),
    ]
    assert {line["request_id"] for line in lines} == {LambdaContext().aws_request_id}


def test_a_wait_before_a_retry_is_neither_upstream_latency_nor_overhead(
    provider: Upstream, emitted: Emits
) -> None:
    working, refusal = provider.script, reply({"error": "x"}, 429, {"retry-after-ms": "400"})

    def script(connection: socket.socket, received: Received) -> None:
        (working if len(provider.received) > 1 else refusal)(connection, received)

    provider.script = script
    post(ask("m"))

    output = emitted()
    (line,) = output.log
    spent = sum(
        blob.get("UpstreamLatency", 0) + blob.get("GatewayOverhead", 0) for blob in output.metrics
    )
    assert len(provider.received) == 2
    assert line["chatd.total_ms"] - spent == pytest.approx(400, abs=1)
