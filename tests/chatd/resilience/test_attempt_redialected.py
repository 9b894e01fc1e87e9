"""A provider that serves the model in another dialect gets the next dialect of its row, once."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Upstream, chunked, reply

OPENAI = "/v1/chat/completions"
TOOLS = [{"type": "custom", "custom": {"name": "patch"}}]
ERROR = {"type": "error", "error": {"type": "ModelError", "message": "Model m is not supported"}}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "m",
    "output": [
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello!", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 11, "output_tokens": 7},
}
pytestmark = pytest.mark.usefixtures("keys")


def served_on(paths: dict[str, object], streamed: bool = False) -> Any:
    """Answer on these paths, and ModelError with 401 on every other."""

    def script(connection: socket.socket, received: Received) -> None:
        body = paths.get(received.path)
        if body is None:
            reply(ERROR, 401)(connection, received)
        elif streamed:
            chunked(body)(connection, received)  # type: ignore[arg-type]  # the chunks of a stream
        else:
            reply(body)(connection, received)

    return script


def paths(provider: Upstream) -> list[str]:
    return [received.path for received in provider.received]


def test_a_model_of_another_dialect_is_answered_in_the_next_dialect(provider: Upstream) -> None:
    provider.script = served_on({"/responses": RESPONSE})

    result = post(ask("opencode/new-model"))

    assert (result.status, result.json["content"]) == (200, "Hello!")
    assert paths(provider) == ["/chat/completions", "/responses"]
    assert "x-api-key" not in provider.last.headers
    assert "input" in provider.last.json


def test_a_stream_is_answered_in_the_next_dialect(provider: Upstream) -> None:
    chunks = answers.openai_chunks("Hel", "lo!")
    provider.script = served_on({"/chat/completions": chunks}, streamed=True)

    result = stream(ask("opencode/claude-opus-5"), OPENAI)

    assert paths(provider) == ["/messages", "/chat/completions"]
    assert provider.last.json["stream"] is True
    assert b"lo!" in result.body


def test_a_second_refusal_is_the_callers_error(provider: Upstream) -> None:
    provider.script = served_on({})

    result = post(ask("opencode/no-such-model"))

    assert (result.status, result.json["error"]["upstream_status"]) == (502, 401)
    assert "Model m is not supported" in result.json["error"]["message"]
    assert paths(provider) == ["/chat/completions", "/responses"]


def test_tools_are_adapted_to_the_next_dialect_from_the_callers_request(
    provider: Upstream,
) -> None:
    provider.script = served_on({"/responses": RESPONSE})

    assert post(ask("opencode/new-model", tools=TOOLS), OPENAI).status == 200
    first, second = provider.received
    assert first.json["tools"] == TOOLS
    assert second.json["tools"] == [{"type": "custom", "name": "patch"}]


def test_a_field_that_the_next_dialect_refuses_leaves_the_first_error(provider: Upstream) -> None:
    provider.script = served_on({"/responses": RESPONSE})

    result = post(ask("opencode/new-model", n=2), OPENAI)

    assert (result.status, result.json["error"]["code"]) == (404, "model_not_found")
    assert paths(provider) == ["/chat/completions"]


@pytest.mark.parametrize("error", [{"type": "AuthError"}, {"type": "CreditsError"}])
def test_another_error_with_status_401_keeps_the_dialect(
    provider: Upstream, error: dict[str, str]
) -> None:
    provider.script = reply({"type": "error", "error": {**error, "message": "no"}}, 401)

    post(ask("opencode/new-model"))

    assert set(paths(provider)) == {"/chat/completions"}


def test_a_provider_of_one_dialect_is_not_tried_again(provider: Upstream) -> None:
    provider.script = reply(ERROR, 401)

    assert post(ask("kimi/k3")).status == 502
    assert paths(provider) == ["/chat/completions"]


def test_the_next_model_of_a_tier_follows_both_dialects(provider: Upstream, config: Path) -> None:
    config.write_text('[tiers]\nfast = ["opencode/new-model", "kimi/k3"]')

    def script(connection: socket.socket, received: Received) -> None:
        if received.json["model"] == "k3":
            chunked(answers.openai_chunks("Hel", "lo!"))(connection, received)
        else:
            reply(ERROR, 401)(connection, received)

    provider.script = script

    result = post(ask("fast"))

    assert (result.status, result.json["content"]) == (200, "Hello!")
    assert paths(provider) == ["/chat/completions", "/responses", "/chat/completions"]
    assert [received.json.get("stream") for received in provider.received] == [True, True, None]
