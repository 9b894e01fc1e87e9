"""A finished answer is stored once and replayed to the same request."""

from __future__ import annotations

import json
import socket
import threading

import pytest

import chat.app
from chatd.aws_lambda import streaming
from chatd.aws_lambda.streaming import Collected
from tests.support import answers
from tests.support.functions import LambdaContext, ask, http_event, post
from tests.support.idempotency import (
    KEY,
    OPENAI,
    each_surface,
    idempotency_outcome,
    once,
    once_streamed,
    streaming_response,
)
from tests.support.upstream import Received, Upstream, chunked, reply

pytestmark = pytest.mark.usefixtures("provider", "keys")


@each_surface
def test_the_same_key_and_body_get_the_same_answer_from_one_provider_request(
    provider: Upstream, store: str, path: str
) -> None:
    first, second = once(ask("m"), path), once(ask("m"), path)

    assert (first.status, second.status) == (200, 200)
    assert second.json == first.json
    assert second.headers["content-type"] == "application/json"
    assert (idempotency_outcome(first), idempotency_outcome(second)) == (None, "replayed")
    assert len(provider.received) == 1


@each_surface
def test_a_finished_stream_is_replayed_as_a_stream_byte_by_byte(
    provider: Upstream, store: str, path: str
) -> None:
    first, second = once_streamed(ask("m"), path), once_streamed(ask("m"), path)

    assert second.body == first.body
    assert second.headers["content-type"] == "text/event-stream"
    assert (idempotency_outcome(first), idempotency_outcome(second)) == (None, "replayed")
    assert len(provider.received) == 1


def test_a_replay_has_the_new_requests_id_in_its_header(provider: Upstream, store: str) -> None:
    once(ask("m"))
    event = http_event("POST", "/v1/chat", json.dumps(ask("m")), headers={"Idempotency-Key": KEY})
    replayed = chat.app.lambda_handler(event, LambdaContext("another-id"))

    assert replayed["multiValueHeaders"]["x-request-id"] == ["another-id"]
    assert json.loads(replayed["body"])["request_id"] == LambdaContext().aws_request_id


def test_a_replay_has_the_headers_of_the_first_answer(provider: Upstream, store: str) -> None:
    provider.script = reply(answers.openai_chat())
    body = ask("kimi/k3", temperature=0.5)

    assert once(body).headers["x-chatd-dropped-params"] == "temperature"
    assert once(body).headers["x-chatd-dropped-params"] == "temperature"


class CommentSink(Collected):
    """Signal the first comment."""

    def __init__(self) -> None:
        super().__init__()
        self.commented = threading.Event()

    def write(self, data: bytes) -> None:
        super().write(data)
        if data.startswith(b":"):
            self.commented.set()


def test_comments_are_not_replayed(
    provider: Upstream, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.02,))
    caller = CommentSink()

    def script(connection: socket.socket, received: Received) -> None:
        assert caller.commented.wait(10)
        chunked(answers.ollama_lines("Hello"))(connection, received)

    provider.script = script
    streaming_response().write_to(caller)
    replayed = once_streamed(ask("m"))

    assert idempotency_outcome(replayed) == "replayed"
    assert replayed.body == bytes(caller.body).replace(b": keep-alive\n\n", b"")


@each_surface
def test_an_answer_with_characters_outside_ascii_is_replayed(
    provider: Upstream, store: str, path: str
) -> None:
    provider.script = reply(answers.ollama_chat("Grüße ☃ 𝄞 \x00"))

    assert once(ask("m"), path).json == once(ask("m"), path).json
    assert len(provider.received) == 1


def test_a_compressible_answer_of_2_mb_is_replayed(provider: Upstream, store: str) -> None:
    provider.script = chunked(answers.ollama_lines(*["again and again "] * 20_000))
    first, second = once_streamed(ask("m"), OPENAI), once_streamed(ask("m"), OPENAI)

    assert len(first.body) > 2_000_000
    assert (second.body == first.body, idempotency_outcome(second)) == (True, "replayed")


def test_requests_with_different_keys_both_reach_the_provider(
    provider: Upstream, store: str
) -> None:
    once(ask("m"), key="one")
    once(ask("m"), key="two")

    assert len(provider.received) == 2


def test_a_request_without_a_key_is_not_replayed(provider: Upstream, store: str) -> None:
    once(ask("m"))
    answer = post(ask("m"))

    assert idempotency_outcome(answer) is None
    assert len(provider.received) == 2


def test_a_page_may_send_the_key_and_read_its_outcome(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", "https://a.example")
    origin = {"Origin": "https://a.example"}
    preflight = chat.app.lambda_handler(
        http_event("OPTIONS", "/v1/chat", headers=origin), LambdaContext()
    )["multiValueHeaders"]
    answer = post(ask("m"), headers={**origin, "Idempotency-Key": KEY})

    assert "idempotency-key" in preflight["Access-Control-Allow-Headers"][0]
    assert "x-chatd-idempotency" in answer.headers["access-control-expose-headers"]
