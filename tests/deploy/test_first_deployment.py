"""Test `make keys` and `make smoke` against the functions of a first deployment.

The functions run as on Lambda without Ollama. moto holds the secret, and a local server is the
provider.
"""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

import chat.app
import providers.app
from chatd.config.catalog import CATALOG
from deploy import provider_keys, smoke
from tests.support import answers
from tests.support.functions import HttpResult, get, post
from tests.support.upstream import Received, Upstream, reply, upstream

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MODEL = "vendor/chat-mini"
KEY = "sk-test-0123456789abcdef"


def network_address() -> str:
    """Return a network address of this machine; functions on Lambda reject loopback addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no network address other than loopback")
        found: str = probe.getsockname()[0]
        return found


@pytest.fixture
def openrouter() -> Iterator[Upstream]:
    """Serve a provider with one key and one chat model."""

    def script(connection: socket.socket, received: Received) -> None:
        if received.headers.get("authorization") != f"Bearer {KEY}":
            reply({"error": {"message": "no", "code": 401}}, 401)(connection, received)
        elif received.path.endswith("/models"):
            listed = [{"id": "vendor/text-embed-mini"}, {"id": MODEL}]
            reply({"data": listed})(connection, received)
        elif received.json["model"] == MODEL:
            reply(answers.for_path(received.path))(connection, received)
        else:
            reply({"error": {"message": "is not a valid model ID"}}, 400)(connection, received)

    with upstream(script, host="0.0.0.0") as server:
        yield server


@pytest.fixture
def stack(
    openrouter: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Set the template's environment for the functions, and create an empty secret."""
    secrets_manager.create_secret(Name="keys", SecretString="{}")
    for row in CATALOG.values():
        for variable in filter(None, (row.base_url_variable, row.key_variable)):
            monkeypatch.setenv(variable, "")
    for variable in ("CHATD_CONFIG", "CHATD_DEFAULT_PROVIDER", "CHATD_CIRCUITS_TABLE"):
        monkeypatch.setenv(variable, "")  # an empty variable selects the repository's chatd.toml
    monkeypatch.setenv("CHATD_SECRET_ID", "keys")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "chatd-chat")
    monkeypatch.delenv("AWS_SAM_LOCAL", raising=False)
    monkeypatch.setenv("OPENROUTER_BASE_URL", f"http://{network_address()}:{openrouter.port}")
    reset_functions()
    yield
    monkeypatch.undo()
    reset_functions()


def reset_functions() -> None:
    """Clear the functions' caches, as in a new execution environment."""
    for compose in (chat.app.compose, chat.app.once, providers.app.compose):
        compose.cache_clear()


@contextmanager
def api() -> Iterator[str]:
    """Serve the functions over HTTP without authorization."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(post(body, self.path))

        def _answer(self, result: HttpResult) -> None:
            content = json.dumps(result.json).encode()
            self.send_response(result.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.usefixtures("stack")
def test_with_one_key_all_six_points_pass(
    openrouter: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"OPENROUTER_API_KEY={KEY}\n"))

    assert provider_keys.main(["--secret-id", "keys"]) == 0

    with api() as url:
        status = smoke.main([url])

    printed = capsys.readouterr().out
    assert (status, printed.count("PASS ")) == (0, 6), printed
    assert f"the model is {MODEL!r}" in printed
    requested_models = [received.json["model"] for received in openrouter.received if received.body]
    assert set(requested_models) == {MODEL, f"unknown/{MODEL}"}
    assert KEY not in printed


@pytest.mark.usefixtures("stack")
def test_without_a_key_the_message_names_make_keys(
    openrouter: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    with api() as url:
        status = smoke.main([url])

    printed = capsys.readouterr().out
    assert status == 1
    assert "no provider is registered: write a key with make keys" in printed
    assert openrouter.received == []
