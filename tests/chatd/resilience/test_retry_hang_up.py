"""A request is not retried with a refused key, or after a hang-up."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

import chat.app
from chatd.aws_lambda.streaming import Collected
from chatd.aws_lambda.streaming_chat import StreamingChat
from chatd.call import Call
from chatd.deadline import Deadline
from chatd.surfaces import surface
from tests.support.functions import ask, post, stream
from tests.support.upstream import Received, Upstream, reply

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.chatd.conftest import Emitted

SECRET = "chatd/providers"
# Seconds of the provider's Retry-After: less than the gateway's limit.
WAIT = 4.0
PATIENCE = 15.0


@pytest.fixture
def refusing(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> Upstream:
    """Serve a provider that refuses the key of the secret."""
    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    provider.script = reply({"error": "x"}, 401)
    return provider


def test_a_refused_key_that_has_not_changed_is_sent_once(refusing: Upstream) -> None:
    result = post(ask("kimi/k3"))

    assert (result.status, result.json["error"]["code"]) == (502, "upstream_auth_error")
    assert [received.headers["authorization"] for received in refusing.received] == [
        "Bearer sk-old"
    ]
    assert "x-chatd-attempts" not in result.headers


def test_a_refused_key_that_has_not_changed_is_sent_once_in_a_stream(
    refusing: Upstream,
) -> None:
    assert stream(ask("kimi/k3")).status == 502
    assert len(refusing.received) == 1


def test_a_renewed_key_that_is_refused_is_not_renewed_again(
    refusing: Upstream, secrets_manager: SecretsManagerClient
) -> None:
    def renew(connection: socket.socket, received: Received) -> None:
        secrets_manager.put_secret_value(
            SecretId=SECRET,
            SecretString=json.dumps({"KIMI_API_KEY": f"sk-{len(refusing.received)}"}),
        )
        reply({"error": "x"}, 401)(connection, received)

    refusing.script = renew

    assert post(ask("kimi/k3")).status == 502
    assert len(refusing.received) == 2


class SignallingEvent(threading.Event):
    """Signal that a thread waits for this event."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.awaited.set()
        return super().wait(timeout)


def test_a_caller_that_hangs_up_ends_the_wait_for_a_retry(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    provider.script = reply({"error": "x"}, 429, {"Retry-After": str(WAIT)})
    gone = SignallingEvent()
    call = Call("request-1", Deadline.after(60), cancelled=gone)
    native = surface("native")
    request = native.read({}, json.dumps(ask("m", stream=True)).encode())
    live = StreamingChat(chat.app.compose().gateway, native, request, call)
    thread = threading.Thread(target=live.write_to, args=(Collected(),))
    thread.start()
    assert gone.awaited.wait(PATIENCE)
    started = time.monotonic()
    live.abort()
    thread.join(PATIENCE)
    took = time.monotonic() - started

    (line,) = emitted().log
    assert line["error.type"] == "client_closed"
    assert ("chatd.attempts" in line, len(provider.received)) == (False, 1)
    assert took < WAIT


def test_without_a_hang_up_the_request_is_retried_after_the_wait(
    provider: Upstream,
) -> None:
    working = provider.script
    refusal = reply({"error": "x"}, 429, {"retry-after-ms": "50"})

    def script(connection: socket.socket, received: Received) -> None:
        (working if len(provider.received) > 1 else refusal)(connection, received)

    provider.script = script

    assert stream(ask("m")).status == 200
    assert len(provider.received) == 2
