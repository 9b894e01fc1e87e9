"""Provide a clean environment, and providers on real sockets."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import chat.app
import providers.app
from chatd.config.aws_rows import CREDENTIAL_VARIABLES
from chatd.config.catalog import CATALOG
from chatd.resilience import retry
from tests.support import answers
from tests.support.circuits import Clock, forget_failures, make_table, stopped_clock
from tests.support.upstream import Received, Upstream, chunked, reply, upstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = "sk-test-0123456789abcdef"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Remove every key, override, chatd.toml and .env; the test adds its own."""
    for row in CATALOG.values():
        for variable in (row.key_variable, row.base_url_variable):
            if variable:
                monkeypatch.delenv(variable, raising=False)
    for variable in (
        *("AWS_BEARER_TOKEN_BEDROCK", "CHATD_SECRET_ID", "CHATD_DEFAULT_PROVIDER"),
        "CHATD_HTTP_SECONDS",
        *("CHATD_IDEMPOTENCY_TABLE", "CHATD_IDEMPOTENCY_FILE"),
        *("CHATD_RESPONSES_TABLE", "CHATD_RESPONSES_FILE", "CHATD_RESPONSES_DAYS"),
        "CHATD_BEDROCK_ACCESS",
    ):
        monkeypatch.delenv(variable, raising=False)
    for variable in (*CREDENTIAL_VARIABLES, "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("CHATD_CIRCUITS_TABLE", raising=False)
    monkeypatch.setenv("CHATD_CONFIG", "/dev/null")
    monkeypatch.chdir(tmp_path)
    # Retries have no wait here; test_retry.py tests the waits.
    monkeypatch.setattr(retry, "_FIRST_SECONDS", 0.0)
    forget()
    yield
    forget()


def forget() -> None:
    """Reset the functions' composition and the failure counts of every provider."""
    chat.app.compose.cache_clear()
    chat.app.once.cache_clear()
    chat.app.store.cache_clear()
    providers.app.compose.cache_clear()
    forget_failures()


def answered_by_dialect(connection: socket.socket, received: Received) -> None:
    """Answer in the dialect of the path; stream if the request has `stream`."""
    if received.body and received.json.get("stream"):
        chunked(answers.stream_for_path(received.path))(connection, received)
    else:
        reply(answers.for_path(received.path))(connection, received)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """Serve every provider that has an address, in all dialects, from one server."""

    with upstream(answered_by_dialect) as server:
        for row in CATALOG.values():
            assert row.base_url_variable
            if row.base_url:
                monkeypatch.setenv(row.base_url_variable, server.url)
        yield server


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> str:
    """Set a key for every provider in the environment."""
    for row in CATALOG.values():
        if row.key_variable:
            monkeypatch.setenv(row.key_variable, KEY)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return KEY


@dataclass(frozen=True, slots=True)
class Emitted:
    """Standard output of a function, as metrics and log lines."""

    text: str

    @property
    def metrics(self) -> list[Any]:
        return [line for line in self._lines if "_aws" in line]

    @property
    def log(self) -> list[Any]:
        return [line for line in self._lines if "_aws" not in line]

    @property
    def _lines(self) -> list[Any]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def emitted(capfd: pytest.CaptureFixture[str]) -> Callable[[], Emitted]:
    """Return a reader of the output since the last read."""
    return lambda: Emitted(capfd.readouterr().out)


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the path of an empty chatd.toml."""
    path = tmp_path / "chatd.toml"
    path.touch()
    monkeypatch.setenv("CHATD_CONFIG", str(path))
    return path


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Yield the manual clock of the circuits."""
    with stopped_clock() as clock:
        yield clock


@pytest.fixture
def dynamodb(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Yield a client of DynamoDB; the environment points boto3 there, too."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", _moto)
    monkeypatch.setenv("CHATD_BEDROCK_ACCESS", "off")  # moto's credentials are of no account
    client = boto3.client("dynamodb")
    yield client
    client.close()


@pytest.fixture
def circuits_table(dynamodb: DynamoDBClient) -> Iterator[str]:
    """Yield the name of an empty table of circuits."""
    make_table(dynamodb, "circuits")
    yield "circuits"
    if "circuits" in dynamodb.list_tables()["TableNames"]:
        dynamodb.delete_table(TableName="circuits")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a self-signed certificate for `localhost` with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
