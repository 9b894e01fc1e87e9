"""After a restore from a snapshot, circuits, keys and connections are new."""

from __future__ import annotations

import json
import socket
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import chat.app
from chatd.resilience.circuit_breaker import FAILURES, CircuitBreakers
from chatd.resilience.circuit_breaker_store import MemoryStore, Store
from tests.support.functions import ask, post
from tests.support.upstream import Received, Upstream, reply, upstream

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET = "chatd/providers"
TEXTS = (f"text {number}" for number in count())


def fail(provider: Upstream) -> None:
    """Open the circuit of the tier `fast`."""
    working, provider.script = provider.script, reply({"error": "x"}, 500)
    for _ in range(2 * FAILURES):
        post(ask("fast", next(TEXTS)))
    provider.script = working


def test_forget_closes_an_open_circuit(provider: Upstream, config: Path) -> None:
    config.write_text('[tiers]\nfast = ["ollama/llama3.2"]\n')
    fail(provider)
    refused = post(ask("fast", next(TEXTS)))
    chat.app.compose().forget()

    assert refused.json["error"]["code"] == "no_healthy_provider"
    assert post(ask("fast", next(TEXTS))).status == 200


def test_forget_creates_a_new_circuit_store() -> None:
    made: list[Store] = []

    def make() -> Store:
        made.append(MemoryStore())
        return made[-1]

    circuits = CircuitBreakers(make)
    circuits.is_open("a")
    circuits.is_open("b")
    assert len(made) == 1
    circuits.forget()
    circuits.is_open("a")

    assert len(made) == 2


def test_forget_renews_connections_and_keys(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets_manager.create_secret(Name=SECRET, SecretString='{"KIMI_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    working, ports = provider.script, []

    def script(connection: socket.socket, received: Received) -> None:
        ports.append(connection.getpeername())
        working(connection, received)

    provider.script = script
    post(ask("kimi/k3"))
    post(ask("kimi/k3"))
    secrets_manager.put_secret_value(
        SecretId=SECRET, SecretString=json.dumps({"KIMI_API_KEY": "sk-new"})
    )
    chat.app.compose().forget()
    post(ask("kimi/k3"))

    assert [received.headers["authorization"] for received in provider.received] == [
        "Bearer sk-old",
        "Bearer sk-old",
        "Bearer sk-new",
    ]
    assert ports[0] == ports[1] != ports[2]


def test_forget_creates_a_new_client_of_secrets_manager(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's connection and credentials belong to the machine of the snapshot."""
    ports = []

    def script(connection: socket.socket, received: Received) -> None:
        ports.append(connection.getpeername())
        reply({"SecretString": '{"KIMI_API_KEY": "sk-secret"}'})(connection, received)

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("CHATD_SECRET_ID", SECRET)
    with upstream(script) as manager:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url)
        post(ask("kimi/k3"))
        chat.app.compose().credentials.forget()
        post(ask("kimi/k3"))
        chat.app.compose().forget()
        post(ask("kimi/k3"))
        chat.app.compose().manager.forget()

    assert ports[0] == ports[1] != ports[2]
