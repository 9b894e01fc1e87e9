"""The chat function maps events to results, with a provider on a real socket."""

from __future__ import annotations

import base64
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

import chat.app
from chatd.errors import (
    ChatdError,
    CredentialsUnavailableError,
    InternalError,
    InvalidRequestError,
    ModelNotFoundError,
    UpstreamError,
)
from tests.support import answers
from tests.support.functions import HttpResult, LambdaContext, ask, http_event, invoke, post
from tests.support.upstream import Received, Upstream, reply, silent


def test_a_bare_model_is_answered_by_ollama_with_counts_and_latency(provider: Upstream) -> None:
    result = post(ask("llama3.2"))

    assert result.status == 200
    assert result.headers["content-type"] == "application/json"
    assert result.headers["x-request-id"] == result.json["request_id"]
    assert result.json.pop("latency_ms") >= 0
    assert result.json == {
        "model": "llama3.2",
        "provider": "ollama",
        "content": "Hello!",
        "input_tokens": 11,
        "output_tokens": 7,
        "finish_reason": "stop",
        "request_id": LambdaContext().aws_request_id,
    }


def test_the_provider_sees_the_name_without_its_prefix(provider: Upstream) -> None:
    post(ask("ollama/llama3.2"))

    assert provider.last.json["model"] == "llama3.2"


@pytest.mark.parametrize(
    "model", ["m:cloud", "ollama_cloud/m", "openrouter/v/m", "opencode/m", "kimi/m"]
)
def test_an_unregistered_provider_is_404_without_a_request(provider: Upstream, model: str) -> None:
    result = post(ask(model))

    assert (result.status, result.json["error"]["code"]) == (404, "model_not_found")
    assert "API_KEY was found" in result.json["error"]["message"]
    assert provider.received == []


def test_a_disabled_provider_is_404(provider: Upstream, keys: str, config: Path) -> None:
    config.write_text("[providers.kimi]\nenabled = false")

    assert post(ask("kimi/k3")).status == 404


def test_a_name_with_an_unknown_prefix_reaches_the_default_provider_unchanged(
    provider: Upstream,
) -> None:
    provider.script = reply({"error": "model 'unknown/x' not found"}, status=404)

    result = post(ask("unknown/x"))

    assert provider.last.json["model"] == "unknown/x"
    assert result.status == 502
    assert result.json["error"]["upstream_status"] == 404
    assert result.json["error"]["provider"] == "ollama"


def test_an_error_has_every_field_of_the_contract(provider: Upstream) -> None:
    assert post({"model": "m"}).json == {
        "error": {
            "message": "'messages' is missing",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "invalid_request",
            "request_id": LambdaContext().aws_request_id,
        }
    }


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        (json.dumps(ask("m")), False),
        (base64.b64encode(json.dumps(ask("m", "Grüße ☃")).encode()).decode(), True),
    ],
)
def test_a_body_is_read_as_text_and_as_base64(provider: Upstream, body: str, encoded: bool) -> None:
    assert post(body, isBase64Encoded=encoded).status == 200


@pytest.mark.parametrize("body", ["no base64!", "bm90IGpzb24=", "ünïcode"])
def test_an_invalid_base64_body_is_400(provider: Upstream, body: str) -> None:
    assert post(body, isBase64Encoded=True).status == 400


@pytest.mark.parametrize("headers", [None, {}, {"CONTENT-TYPE": "text/plain"}])
def test_any_content_type_is_accepted(provider: Upstream, headers: Any) -> None:
    assert post(ask("m"), headers=headers, multiValueHeaders=None).status == 200


@pytest.mark.parametrize("body", ["", None])
def test_a_missing_body_is_400(provider: Upstream, body: Any) -> None:
    result = chat.app.lambda_handler(http_event("POST", "/v1/chat", body), LambdaContext())

    assert result["statusCode"] == 400


def test_an_answer_over_lambdas_limit_is_502(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat("\\" * 2_500_000))

    result = post(ask("m"))

    assert (result.status, result.json["error"]["code"]) == (502, "answer_too_large")


def test_an_answer_just_under_lambdas_limit_is_returned(provider: Upstream) -> None:
    provider.script = reply(answers.ollama_chat("x" * 6_000_000))

    assert len(post(ask("m")).json["content"]) == 6_000_000


def test_a_base_path_of_a_custom_domain_is_stripped(provider: Upstream) -> None:
    assert post(ask("m"), path="/llm/v1/chat", resource="/v1/chat").status == 200


def test_a_path_that_is_not_served_is_404(provider: Upstream) -> None:
    result = post(ask("m"), path="/v1/chats")

    assert (result.status, result.json["error"]["code"]) == (404, "route_not_found")


def test_json_is_passed_on_to_the_provider(provider: Upstream) -> None:
    post(ask("m", format="json"))

    assert provider.last.json["format"] == "json"


def test_the_remaining_time_of_lambda_limits_a_chat(provider: Upstream) -> None:
    provider.script = silent(provider)
    context = LambdaContext(remaining_ms=800)

    result = chat.app.lambda_handler(http_event("POST", "/v1/chat", json.dumps(ask("m"))), context)

    assert result["statusCode"] == 504
    assert json.loads(result["body"])["error"]["code"] == "upstream_timeout"


def test_the_limit_of_the_route_limits_a_chat(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_HTTP_SECONDS", "0.8")
    provider.script = silent(provider)

    assert post(ask("m")).status == 504


def test_the_limit_of_the_route_counts_from_the_request_time_of_api_gateway(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_HTTP_SECONDS", "29")
    taken = int((time.time() - 30) * 1000)

    assert post(ask("m"), requestContext={"requestTimeEpoch": taken}).status == 504
    assert provider.received == []


def test_the_limit_of_the_route_does_not_hold_for_a_direct_invocation(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_HTTP_SECONDS", "0.1")

    assert invoke(ask("m"))["content"] == "Hello!"


def test_the_total_of_the_provider_limits_a_chat(provider: Upstream, config: Path) -> None:
    config.write_text("[providers.ollama]\ntimeouts = { total = 0.3 }")
    provider.script = silent(provider)

    assert post(ask("m")).status == 504


def test_a_tier_uses_its_first_registered_model(provider: Upstream, config: Path) -> None:
    config.write_text('[tiers]\nfast = ["kimi/k3", "ollama/llama3.2"]')

    assert post(ask("fast")).json["provider"] == "ollama"


def test_a_tier_without_a_registered_model_is_404_and_names_the_missing_keys(
    provider: Upstream, config: Path
) -> None:
    config.write_text('[tiers]\nfast = ["kimi/k3", "openrouter/v/m"]')

    result = post(ask("fast"))

    assert result.status == 404
    assert "KIMI_API_KEY" in result.json["error"]["message"]
    assert "OPENROUTER_API_KEY" in result.json["error"]["message"]


def test_a_failed_key_lookup_is_503(provider: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "sk-\x07bell")

    result = post(ask("kimi/k3"))

    assert (result.status, result.json["error"]["code"]) == (503, "credentials_unavailable")
    assert "bell" not in str(result)


def test_a_429_is_passed_on_with_its_retry_after(provider: Upstream, keys: str) -> None:
    provider.script = reply({"error": "slow down"}, status=429, headers={"Retry-After": "1200"})

    result = post(ask("kimi/k3"))

    assert (result.status, result.headers["retry-after"]) == (429, "1200")


def test_a_mistake_in_chatd_toml_is_not_shown_to_callers(
    config: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config.write_text("defualt_provider = 'kimi'")

    result = post(ask("m"))

    assert (result.status, result.json["error"]["code"]) == (500, "internal_error")
    assert "defualt_provider" not in result.json["error"]["message"]


@pytest.mark.parametrize(
    ("origin", "allowed", "header"),
    [
        ("https://a.example", "https://a.example,https://b.example", "https://a.example"),
        ("https://c.example", "https://a.example", None),
        ("https://c.example", "*", "*"),
        ("https://c.example", "", None),
        (None, "https://a.example", None),
    ],
)
def test_an_allowed_browser_may_read_the_answer(
    provider: Upstream,
    monkeypatch: pytest.MonkeyPatch,
    origin: str | None,
    allowed: str,
    header: str | None,
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", allowed)

    result = post(ask("m"), headers={"oRiGiN": origin} if origin else {})

    assert header == result.headers.get("access-control-allow-origin")


@pytest.mark.parametrize(("origin", "listed"), [("https://a.example", True), ("https://b", False)])
def test_a_preflight_of_a_listed_page_allows_the_requested_headers(
    monkeypatch: pytest.MonkeyPatch, origin: str, listed: bool
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", "https://a.example")
    headers = {"Origin": origin, "Access-Control-Request-Headers": "authorization, x-stainless-os"}
    event = http_event("OPTIONS", "/v1/chat", None, headers=headers)

    result = chat.app.lambda_handler(event, LambdaContext())

    allowed_headers = result["multiValueHeaders"].get("Access-Control-Allow-Headers")
    assert result["statusCode"] == 204
    assert allowed_headers == (["authorization, x-stainless-os"] if listed else None)


def test_a_direct_invocation_gets_the_bare_answer(provider: Upstream) -> None:
    answer = invoke(ask("llama3.2"))

    assert answer["content"] == "Hello!"
    assert "statusCode" not in answer


def test_an_eventbridge_envelopes_detail_is_the_request(provider: Upstream) -> None:
    envelope = {"version": "0", "source": "app", "detail-type": "Chat", "detail": ask("llama3.2")}

    assert invoke(envelope)["content"] == "Hello!"


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({}, InvalidRequestError),
        ([], InvalidRequestError),
        (None, InvalidRequestError),
        ("text", InvalidRequestError),
        ({"model": "m"}, InvalidRequestError),
        (ask("\ud800"), InvalidRequestError),
        ({"model": {1, 2}}, InvalidRequestError),
        ({"detail-type": "x", "detail": None}, InvalidRequestError),
        (ask("kimi/k3"), ModelNotFoundError),
    ],
)
def test_a_direct_invocation_fails_with_a_named_exception(
    provider: Upstream, event: object, named: type[ChatdError]
) -> None:
    with pytest.raises(named):
        invoke(event)


def test_the_exception_of_a_direct_invocation_has_only_the_handlers_frames(
    provider: Upstream,
) -> None:
    provider.script = reply({"error": "boom"}, status=500)

    with pytest.raises(UpstreamError, match="ollama: it answered 500: boom") as caught:
        invoke(ask("m"))

    frames = [Path(entry.path).name for entry in caught.traceback if "functions" in str(entry.path)]
    assert frames == ["functions.py", "app.py", "http.py"]
    assert caught.value.__suppress_context__


def test_a_configuration_error_fails_a_direct_invocation_with_internal_error(
    config: Path,
) -> None:
    config.write_text("x = 1")

    with pytest.raises(InternalError):
        invoke(ask("m"))


def test_a_failed_key_lookup_fails_a_direct_invocation_with_its_named_exception(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIMI_API_KEY", "é")

    with pytest.raises(CredentialsUnavailableError):
        invoke(ask("kimi/k3"))


def test_the_next_request_works_after_a_failure(provider: Upstream) -> None:
    working = provider.script

    def cut(connection: socket.socket, _received: Received) -> None:
        connection.shutdown(socket.SHUT_RDWR)

    provider.script = cut
    failed: HttpResult = post(ask("m"))
    provider.script = working

    assert (failed.status, post(ask("m")).status) == (502, 200)


def test_an_internal_error_is_500_without_its_message(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the prompt")

    gateway = chat.app.compose().gateway
    monkeypatch.setattr(gateway, "begin", broken)

    result = post(ask("m"))

    assert (result.status, result.json["error"]["code"]) == (500, "internal_error")
    assert "the prompt" not in capfd.readouterr().out + str(result)


def test_an_internal_error_while_reading_the_event_is_500_with_the_contracts_body(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("the prompt")

    monkeypatch.setattr("chatd.aws_lambda.events.call_of", broken)

    assert post(ask("m")).json["error"]["code"] == "internal_error"
