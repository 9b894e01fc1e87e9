"""Test `make smoke` against a correct gateway and against gateways with one fault."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy import smoke
from deploy.errors import CommandError
from deploy.sigv4 import sign_headers

Answer = tuple[int, Any]
OLLAMA = {"name": "ollama", "available": True, "prefixes": ["ollama/"], "dialect": "ollama"}
KEY = "chatd-canary"


def error(status: int, code: str, **fields: Any) -> Answer:
    return status, {"error": {"message": "m", "code": code, **fields}}


class Gateway:
    """Hold the replies of a correct gateway; a test changes one reply."""

    def __init__(self) -> None:
        self.provider_list: Any = {"default": "ollama", "providers": [OLLAMA]}
        self.models = ["ollama/nomic-embed-text:latest", "ollama/llama3.2"]
        self.requested_models: list[str | None] = []
        self.broken: dict[str | None, Answer] = {}
        self.keys: list[str | None] = []

    def chat(self, model: str | None) -> Answer:
        self.requested_models.append(model)
        default = self.provider_list["default"]
        if model in self.broken:
            return self.broken[model]
        if model is None:
            return error(400, "invalid_request", param="model")
        if model.endswith(":cloud"):
            return error(404, "model_not_found")
        if model.startswith("unknown/"):
            return error(502, "upstream_error", provider=default, upstream_status=404)
        return 200, {
            "model": model.removeprefix(f"{default}/"),
            "provider": default,
            "content": "ready",
            "input_tokens": 3,
            "output_tokens": 1,
            "latency_ms": 5,
        }


@contextmanager
def serving(gateway: Gateway) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            owners = [(name, name.partition("/")[0]) for name in gateway.models]
            models = [{"id": name, "owned_by": owner} for name, owner in owners]
            self._answer(200, {"data": models} if "models" in self.path else gateway.provider_list)

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(*gateway.chat(sent.get("model")))

        def _answer(self, status: int, body: Any) -> None:
            gateway.keys.append(self.headers.get("Authorization"))
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
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


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def run(
    gateway: Gateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., tuple[int, str]]]:
    monkeypatch.setenv("KEY", KEY)
    with serving(gateway) as url:
        yield lambda *arguments: (smoke.main([url, *arguments]), capsys.readouterr().out)


Run = Callable[..., tuple[int, str]]


def test_a_correct_gateway_passes_all_points(run: Run, gateway: Gateway) -> None:
    status, printed = run()

    assert status == 0
    assert printed.count("PASS ") == 6
    assert "6 of 6 points hold" in printed
    assert set(gateway.keys) == {f"Bearer {KEY}"}
    assert KEY not in printed


@pytest.mark.parametrize(
    ("point", "model", "answer"),
    [
        ("2", "llama3.2", (200, {"provider": "ollama", "content": ""})),
        ("2", "llama3.2", (500, b"<html>")),
        ("3", "ollama/llama3.2", (200, {"provider": "ollama", "model": "ollama/llama3.2"})),
        ("4", "llama3.2:cloud", (200, {"provider": "ollama"})),
        ("5", "unknown/llama3.2", error(404, "model_not_found")),
        ("6", None, error(400, "invalid_request", param="messages")),
        ("6", None, (500, None)),
    ],
)
def test_a_failed_point_shows_the_reply(
    run: Run, gateway: Gateway, point: str, model: str | None, answer: Answer
) -> None:
    gateway.broken[model] = answer

    status, printed = run()

    assert status == 1
    assert [line[9] for line in printed.splitlines() if line.startswith("FAIL")] == [point]
    assert f"got {answer[0]} " in printed


@pytest.mark.parametrize(
    "provider_list",
    [
        {"default": "kimi", "providers": [OLLAMA]},
        {"default": None, "providers": []},
        {"default": "ollama", "providers": [OLLAMA, OLLAMA]},
        {"default": "ollama", "providers": [{"name": "ollama"}]},
    ],
)
def test_an_incorrect_provider_list_fails(run: Run, gateway: Gateway, provider_list: Any) -> None:
    gateway.provider_list = provider_list

    assert run()[0] == 1


def test_the_provider_list_must_equal_the_expected_providers(run: Run) -> None:
    assert run("--providers", "ollama")[0] == 0
    assert run("--providers", "ollama,kimi")[0] == 1


def test_a_registered_ollama_cloud_skips_point_four(run: Run, gateway: Gateway) -> None:
    gateway.provider_list["providers"].append({**OLLAMA, "name": "ollama_cloud"})

    status, printed = run()

    assert status == 0
    assert "SKIPPED  4" in printed


def test_the_checks_use_the_default_provider(run: Run, gateway: Gateway) -> None:
    gateway.provider_list = {"default": "kimi", "providers": [{**OLLAMA, "name": "kimi"}]}
    gateway.models = ["openrouter/x/y", "kimi/k3", "kimi/k3-mini"]

    status, printed = run()

    assert (status, printed.count("PASS ")) == (0, 6)
    assert "the model is 'k3-mini'" in printed
    assert {"k3-mini", "kimi/k3-mini", "unknown/k3-mini"} <= set(gateway.requested_models)


def test_a_failing_model_is_not_chosen(run: Run, gateway: Gateway) -> None:
    gateway.models = ["ollama/broken-mini", "ollama/fine"]
    gateway.broken["broken-mini"] = error(400, "unsupported_parameter")

    status, printed = run()

    assert status == 0
    assert "the model is 'fine'" in printed


def test_the_model_option_is_the_only_model_in_requests(run: Run, gateway: Gateway) -> None:
    assert run("--model", "mine")[0] == 0
    assert {
        name.split("/")[-1].removesuffix(":cloud") for name in gateway.requested_models if name
    } == {"mine"}


def test_without_a_provider_the_message_names_make_keys(run: Run, gateway: Gateway) -> None:
    gateway.provider_list = {"default": None, "providers": []}

    status, printed = run()

    assert status == 1
    assert "no provider is registered: write a key with make keys" in printed


def test_an_unreachable_gateway_fails_with_a_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status = smoke.main(["http://127.0.0.1:1"])

    assert status == 1
    assert "could not be reached" in capsys.readouterr().out


def test_the_sign_option_signs_every_request(
    run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")

    status, _ = run("--sign")

    assert status == 0
    for signature in gateway.keys:
        assert signature is not None
        assert signature.startswith("AWS4-HMAC-SHA256 Credential=test/")
        assert "/eu-central-1/execute-api/aws4_request" in signature


def test_without_credentials_signing_fails_before_a_request(
    run: Run, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    status, printed = run("--sign")

    assert status == 1
    assert "there are no AWS credentials to sign with" in printed
    assert gateway.keys == []


def test_the_region_in_the_url_signs_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    url = "https://a1.execute-api.ap-south-1.amazonaws.com/live/v1/chat/providers"

    assert "/ap-south-1/execute-api/" in sign_headers("GET", url, None)["Authorization"]


def test_the_configured_profile_and_region_sign_the_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text(
        "[work]\naws_access_key_id = WORKKEY\naws_secret_access_key = s\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    gateway = Gateway()

    with serving(gateway) as url:
        assert smoke.main([url, "--sign", "--profile", "work", "--region", "eu-west-1"]) == 0
        assert smoke.main([url, "--sign", "--profile", "missing"]) == 1

    assert len(gateway.keys) > 0
    for signature in gateway.keys:
        assert "Credential=WORKKEY/" in str(signature)
        assert "/eu-west-1/execute-api/" in str(signature)


def test_without_a_region_the_message_names_aws_region(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(CommandError, match="AWS_REGION"):
        sign_headers("GET", "https://api.example.com/v1/chat/providers", None)
