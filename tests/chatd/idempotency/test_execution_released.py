"""A failed or aborted request leaves its key free; an answer that was sent is kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

import chat.app
from chatd.aws_lambda.streaming import Collected
from tests.support import answers
from tests.support.functions import ask
from tests.support.idempotency import (
    OPENAI,
    CallerThatHangsUp,
    each_surface,
    idempotency_outcome,
    once,
    once_streamed,
    streaming_response,
)
from tests.support.upstream import Received, Upstream, chunked, reply, reset, silent

pytestmark = pytest.mark.usefixtures("provider", "keys")
FAILURES: dict[str, Any] = {
    "500": reply({"error": "boom"}, 500, {"Retry-After": "3000"}),
    "400": reply({"error": "no"}, 400),
    "reset": reset,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("send", [once, once_streamed])
def test_a_failed_request_is_not_stored_and_releases_its_key(
    provider: Upstream, store: str, send: Callable[..., Any], failure: str
) -> None:
    usual, provider.script = provider.script, FAILURES[failure]
    failed = send(ask("m"))
    provider.script = usual
    second, third = send(ask("m")), send(ask("m"))

    assert failed.status in (400, 502)
    assert (second.status, idempotency_outcome(second)) == (200, None)
    assert idempotency_outcome(third) == "replayed"


def test_an_invalid_request_leaves_its_key_free(provider: Upstream, store: str) -> None:
    assert once({"model": "m"}).status == 400
    assert once(ask("m")).status == 200


def test_an_invalid_base64_body_with_a_key_is_400(provider: Upstream, store: str) -> None:
    assert once("%", isBase64Encoded=True).status == 400


@each_surface
def test_an_internal_error_releases_the_key(
    provider: Upstream, store: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError

    with monkeypatch.context() as patch:
        patch.setattr(chat.app.compose().gateway, "read", broken)
        assert once(ask("m"), path).status == 500

    assert once(ask("m"), path).status == 200


def test_a_broken_stream_is_not_stored_even_if_its_text_looks_like_an_end(
    provider: Upstream, store: str
) -> None:
    text = 'data: [DONE]\n\ndata: {"done":true,'
    usual = provider.script
    provider.script = chunked(answers.ollama_lines(text)[:1])
    for path in ("/v1/chat", OPENAI):
        assert once_streamed(ask("m"), path).json[-1]["error"]["code"] == "upstream_stream_error"

    provider.script = usual
    for path in ("/v1/chat", OPENAI):
        assert idempotency_outcome(once_streamed(ask("m"), path)) is None
        assert idempotency_outcome(once_streamed(ask("m"), path)) == "replayed"


def test_a_hang_up_before_the_end_releases_the_key(provider: Upstream, store: str) -> None:
    streaming_response().write_to(CallerThatHangsUp(b"Hello"))

    assert idempotency_outcome(once_streamed(ask("m"))) is None
    assert len(provider.received) == 2


def test_a_hang_up_at_the_end_mark_keeps_the_answer(provider: Upstream, store: str) -> None:
    streaming_response().write_to(CallerThatHangsUp(b'"done":true'))

    assert idempotency_outcome(once_streamed(ask("m"))) == "replayed"
    assert len(provider.received) == 1


def test_an_abort_ends_a_recorded_stream_and_releases_its_key(
    provider: Upstream, store: str
) -> None:
    requested = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        requested.set()
        silent(provider)(connection, received)

    usual, provider.script = provider.script, script
    response = streaming_response()
    thread = threading.Thread(target=response.write_to, args=(Collected(),))
    thread.start()
    assert requested.wait(10)
    response.abort()
    thread.join(10)
    provider.script = usual

    assert not thread.is_alive()
    assert once_streamed(ask("m")).status == 200


def test_a_hang_up_during_a_replay_keeps_the_answer(provider: Upstream, store: str) -> None:
    once_streamed(ask("m"))
    replayed = streaming_response()
    replayed.abort()
    replayed.write_to(CallerThatHangsUp(b"Hello"))

    assert idempotency_outcome(once_streamed(ask("m"))) == "replayed"
