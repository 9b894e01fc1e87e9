"""A fetch from an unresponsive Secrets Manager takes 6 s at most, in two attempts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from chatd.credentials.secrets_manager import (
    JsonSecret,
    SecretsManager,
    SecretUnavailableError,
)
from tests.support.busy_machine import allowance
from tests.support.unreachable_hosts import black_hole
from tests.support.upstream import reply, silent, upstream

# The limit in the docstring of `fetch`, and an allowance for a busy machine, in s.
LIMIT, ROOM = 6.0, 6.0
# Seconds that a test waits for a fetch; botocore's default limits are minutes.
PATIENCE = 30.0
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Ended:
    """The error of a fetch, and its duration in s."""

    message: str
    seconds: float


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def manager(url: str) -> SecretsManager:
    return SecretsManager({"AWS_ENDPOINT_URL_SECRETS_MANAGER": url})


def fetched(url: str) -> Ended:
    started = time.monotonic()
    with pytest.raises(SecretUnavailableError) as caught:
        manager(url).fetch("chatd/providers")
    return Ended(str(caught.value), time.monotonic() - started)


@contextmanager
def two_threads() -> Iterator[ThreadPoolExecutor]:
    """Yield two threads; the exit does not wait, because one may hang."""
    pool = ThreadPoolExecutor(2)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def test_a_fetch_from_an_unresponsive_secrets_manager_ends_in_time() -> None:
    with black_hole() as unreachable, upstream(reply({})) as mute, two_threads() as pool:
        mute.script = silent(mute)
        fetches: Mapping[str, Future[Ended]] = {
            "ConnectTimeoutError": pool.submit(fetched, unreachable),
            "ReadTimeoutError": pool.submit(fetched, mute.url),
        }
        for error, fetch in fetches.items():
            ended = fetch.result(PATIENCE)
            assert error in ended.message
            assert ended.seconds < LIMIT + allowance(ROOM)

        assert len(mute.received) == ATTEMPTS


def test_a_fetch_that_fails_once_is_retried() -> None:
    replies = iter([reply({"__type": "InternalServiceError"}, 500), reply({"SecretString": "{}"})])

    def once(connection: socket.socket, received: object) -> None:
        next(replies)(connection, received)  # type: ignore[arg-type]  # passed on unchanged

    with upstream(once) as flaky:
        assert manager(flaky.url).fetch("chatd/providers") == "{}"
        assert len(flaky.received) == ATTEMPTS


def test_one_client_serves_all_fetches_until_forget() -> None:
    ports, lock = set(), threading.Lock()

    def script(connection: socket.socket, received: object) -> None:
        with lock:
            ports.add(connection.getpeername())
        reply({"SecretString": "{}"})(connection, received)  # type: ignore[arg-type]  # as above

    with upstream(script) as running:
        secrets = manager(running.url)
        for _ in range(3):
            secrets.fetch("chatd/providers")
        assert len(ports) == 1
        secrets.forget()
        secrets.fetch("chatd/providers")

    assert len(ports) == 2


def test_a_secret_is_reread_at_most_every_thirty_seconds() -> None:
    now = [1000.0]
    reads: list[float] = []

    def fetch(_secret_id: str) -> str:
        reads.append(now[0])
        return "{}"

    secret = JsonSecret("chatd/providers", fetch, lambda: now[0])
    secret.read()
    granted = []
    for seconds in (0.0, 1.0, 28.0, 1.0, 30.0):
        now[0] += seconds
        granted.append(secret.expire())
        secret.read()

    assert granted == [True, False, False, True, True]
    assert reads == [1000.0, 1000.0, 1030.0, 1060.0]
