"""All fields of sampling that a corrected request lacks are named to the caller."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support import answers
from tests.support.functions import post
from tests.support.upstream import Received, Upstream, reply

WORDS = "`temperature` is deprecated for this model."
REFUSAL = {"type": "error", "error": {"type": "invalid_request_error", "message": WORDS}}
ANSWER = answers.anthropic()


def refusing_temperature(connection: socket.socket, received: Received) -> None:
    refused = "temperature" in received.json
    reply(REFUSAL if refused else ANSWER, 400 if refused else 200)(connection, received)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_refused_temperature_names_all_that_is_left_out(
    path: str, provider: Upstream, config: Path
) -> None:
    config.write_text(
        f'[providers.mine]\ndialect = "anthropic_messages"\nbase_url = "{provider.url}"\n'
    )
    provider.script = refusing_temperature
    turns = [{"role": "user", "content": "Hi"}]
    body = {"model": "mine/m", "messages": turns, "max_tokens": 9, "temperature": 0.5, "top_p": 0.9}

    result = post(body, path)

    assert (result.status, len(provider.received)) == (200, 2)
    assert "top_p" not in provider.last.json
    assert result.headers["x-chatd-dropped-params"] == "temperature, top_p"
