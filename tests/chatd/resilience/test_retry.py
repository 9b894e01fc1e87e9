"""Retry transient failures with bounded waits, and renew refused keys."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatd.deadline import Deadline
from chatd.errors import (
    ChatdError,
    InvalidRequestError,
    QuotaExhaustedError,
    RateLimitedError,
    UpstreamError,
    UpstreamTimeoutError,
)
from chatd.resilience.retry import Retries
from tests.support import answers
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Script, Upstream, chunked, reply

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.chatd.conftest import Emitted

SOON = Deadline.after(3600)


def unconnected() -> UpstreamTimeoutError:
    error = UpstreamTimeoutError("no connection")
    error.unreachable = True
    return error


SILENCE = UpstreamTimeoutError("silent")
ANSWERED_504 = UpstreamTimeoutError("504", upstream_status=504)


@pytest.mark.parametrize(
    ("error", "alone", "with_fallback"),
    [
        (UpstreamError("reset"), True, True),
        (RateLimitedError("later"), True, True),
        (SILENCE, False, False),
        (unconnected(), True, False),
        (ANSWERED_504, True, False),
        (QuotaExhaustedError("pay"), False, False),
        (InvalidRequestError("no"), False, False),
    ],
    ids=str,
)
def test_only_transient_failures_are_retried(
    error: ChatdError, alone: bool, with_fallback: bool
) -> None:
    assert (Retries(fallback=False).pause(error, SOON) is not None) == alone
    assert (Retries(fallback=True).pause(error, SOON) is not None) == with_fallback


def test_a_request_is_retried_twice_at_most() -> None:
    retries = Retries(fallback=False)
    waits = [retries.pause(UpstreamError("x"), SOON) for _ in range(4)]

    assert [wait is None for wait in waits] == [False, False, True, True]


def test_the_upper_bound_of_the_random_wait_doubles() -> None:
    # A fresh module: conftest.py sets the waits of the tests' module to 0.
    spec = find_spec("chatd.resilience.retry")
    assert spec is not None
    assert spec.loader is not None
    fresh = module_from_spec(spec)
    spec.loader.exec_module(fresh)
    for jitter, waits in ((1.0, [0.25, 0.5]), (0.5, [0.125, 0.25]), (0.0, [0.0, 0.0])):
        retries_of_chat = fresh.Retries(fallback=False, jitter=lambda jitter=jitter: jitter)

        assert [retries_of_chat.pause(UpstreamError("x"), SOON) for _ in range(2)] == waits


@pytest.mark.parametrize(
    ("fallback", "required", "waits"),
    [
        (False, [60], [None]),
        (False, [5], [5]),
        (False, [5.001], [None]),
        (False, [2, 3, 0], [2, 3, None]),
        (False, [3, 3], [3, None]),
        (True, [2], [2]),
        (True, [2.001], [None]),
        (True, [2, 0.001], [2, None]),
        (True, [0, 0, 0], [0, 0, None]),
    ],
)
def test_retry_after_is_obeyed_up_to_a_total_wait(
    fallback: bool, required: list[float], waits: list[float | None]
) -> None:
    retries_of_chat = Retries(fallback=fallback)

    assert waits == [
        retries_of_chat.pause(RateLimitedError("x", retry_after=seconds), SOON)
        for seconds in required
    ]


def test_a_wait_longer_than_the_deadline_ends_the_retries() -> None:
    error = RateLimitedError("x", retry_after=1.5)

    assert Retries(fallback=False).pause(error, Deadline.after(1)) is None


def failing_first(times: int, failure: Script) -> Script:
    """Fail this many requests, then answer."""
    left = [times]

    def script(connection: socket.socket, received: Received) -> None:
        if left[0] > 0:
            left[0] -= 1
            failure(connection, received)
        elif received.json.get("stream"):
            chunked(answers.stream_for_path(received.path))(connection, received)
        else:
            reply(answers.for_path(received.path))(connection, received)

    return script


@pytest.mark.parametrize("failure", [reply({"error": "x"}, 500), reply({"error": "x"}, 503)])
def test_a_transient_failure_does_not_reach_the_caller(provider: Upstream, failure: Script) -> None:
    provider.script = failing_first(2, failure)
    whole = post(ask("m"))
    provider.script = failing_first(2, failure)
    streamed = stream(ask("m"))

    assert (whole.status, streamed.status) == (200, 200)
    assert whole.headers["x-chatd-attempts"] == streamed.headers["x-chatd-attempts"]


def test_the_retry_is_sent_after_the_wait_that_the_provider_requires(
    provider: Upstream,
) -> None:
    requested: list[float] = []
    script = failing_first(1, reply({"error": "x"}, 429, {"retry-after-ms": "300"}))

    def timed(connection: socket.socket, received: Received) -> None:
        requested.append(time.monotonic())
        script(connection, received)

    provider.script = timed
    post(ask("m"))

    assert requested[1] - requested[0] >= 0.3


def test_every_attempt_is_counted_under_its_provider(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = failing_first(1, reply({"error": "x"}, 500))
    post(ask("m"))

    output = emitted()
    (line,) = output.log
    requests = [blob["Provider"] for blob in output.metrics if "Requests" in blob]
    errors = [blob["Kind"] for blob in output.metrics if "Errors" in blob]
    assert (requests, errors) == (["ollama", "ollama"], ["upstream_error"])
    assert line["chatd.attempts"] == "ollama: upstream_error, ollama: ok"


def test_retries_share_one_deadline(provider: Upstream, config: Path) -> None:
    config.write_text("[providers.ollama.timeouts]\ntotal = 0.5")
    provider.script = reply({"error": "x"}, 429, {"retry-after-ms": "200"})
    started = time.monotonic()

    assert post(ask("m")).status == 429
    assert time.monotonic() - started < 10
    assert len(provider.received) < 4


SECRET = "chatd/providers"


def test_a_refused_key_that_was_just_fetched_is_not_fetched_again(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.script = reply({"error": "x"}, 401)
    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    post(ask("kimi/k3"))
    secrets_manager.put_secret_value(SecretId=SECRET, SecretString='{"KIMI_API_KEY": "sk-new"}')
    post(ask("kimi/k3"))

    bearers = {received.headers["authorization"] for received in provider.received}
    assert bearers == {"Bearer sk-old"}


def test_a_rotated_key_is_fetched_and_sent_once(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        known = received.headers["authorization"] == "Bearer sk-new"
        body = reply(answers.openai_chat()) if known else reply({"error": "x"}, 401)
        body(connection, received)

    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    post(ask("kimi/k3"))
    provider.script = script
    secrets_manager.put_secret_value(SecretId=SECRET, SecretString='{"KIMI_API_KEY": "sk-new"}')

    renewed = post(ask("kimi/k3"))

    assert renewed.status == 200
    assert [received.headers["authorization"] for received in provider.received[1:]] == [
        "Bearer sk-old",
        "Bearer sk-new",
    ]
