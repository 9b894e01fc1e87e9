"""CORS headers allow listed origins, and `Vary` separates cached answers by origin."""

from __future__ import annotations

import pytest

import chat.app
from tests.support.functions import LambdaContext, ask, get, http_event, post
from tests.support.upstream import Upstream

pytestmark = pytest.mark.usefixtures("keys")
LISTED = "https://a.example"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", f"{LISTED},vscode-webview://*,null")


@pytest.mark.usefixtures("listed", "provider")
@pytest.mark.parametrize("origin", [None, LISTED, "https://evil.example", "https://a.example.evil"])
@pytest.mark.parametrize("body", [ask("m"), {}])
def test_with_listed_origins_every_answer_varies_by_origin(
    origin: str | None, body: dict[str, object]
) -> None:
    headers = {"Origin": origin} if origin else {}
    answers = [post(body, headers=headers), get("/health", headers=headers)]

    assert [answer.headers.get("vary") for answer in answers] == ["Origin"] * 2
    allowed = {answer.headers.get("access-control-allow-origin") for answer in answers}
    assert allowed == {LISTED if origin == LISTED else None}


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("origin", [None, "https://evil.example"])
def test_a_preflight_of_an_unlisted_origin_varies_and_allows_no_access(origin: str | None) -> None:
    event = http_event("OPTIONS", "/v1/chat", None, headers={"Origin": origin} if origin else {})
    headers = chat.app.lambda_handler(event, LambdaContext())["multiValueHeaders"]

    assert headers["Vary"] == ["Origin"]
    assert not any(name.startswith("Access-Control") for name in headers)


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("origin", ["vscode-webview://1a2b", "null"])
def test_a_listed_desktop_app_may_read_the_answer(provider: Upstream, origin: str) -> None:
    result = post(ask("m"), headers={"Origin": origin})

    assert result.headers["access-control-allow-origin"] == origin


@pytest.mark.usefixtures("provider")
def test_without_listed_origins_answers_have_no_vary_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CHATD_CORS_ORIGINS", raising=False)

    assert "vary" not in post(ask("m"), headers={"Origin": LISTED}).headers


@pytest.mark.usefixtures("provider")
def test_with_the_wildcard_origin_answers_have_no_vary_header(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", "*")
    result = post(ask("m"), headers={"Origin": "https://any.example"})

    assert result.headers["access-control-allow-origin"] == "*"
    assert "vary" not in result.headers


EXPOSED = (
    "x-request-id, request-id, retry-after, x-should-retry, x-chatd-attempts,"
    " x-chatd-dropped-params, x-chatd-estimated, x-chatd-idempotency, x-chatd-warning"
)


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("origins", [LISTED, "*"])
def test_a_page_may_read_the_headers_that_docs_list(
    monkeypatch: pytest.MonkeyPatch, origins: str
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", origins)
    result = post(ask("m"), headers={"Origin": LISTED})

    assert result.headers["access-control-expose-headers"] == EXPOSED


@pytest.mark.parametrize("origins", [LISTED, "*"])
def test_a_preflight_allows_methods_and_the_usual_headers_for_an_hour(
    monkeypatch: pytest.MonkeyPatch, origins: str
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", origins)
    event = http_event("OPTIONS", "/v1/chat", None, headers={"Origin": LISTED})
    result = chat.app.lambda_handler(event, LambdaContext())

    headers = {name: value for name, (value,) in result["multiValueHeaders"].items()}
    assert (result["statusCode"], result["body"], result["isBase64Encoded"]) == (204, "", False)
    assert headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE, OPTIONS"
    allowed = "authorization, content-type, idempotency-key, x-api-key"
    assert headers["Access-Control-Allow-Headers"] == allowed
    assert headers["Access-Control-Max-Age"] == "3600"
    assert headers["x-request-id"] == headers["request-id"] == LambdaContext().aws_request_id
    assert "Content-Type" not in headers


def test_a_preflight_of_anthropics_sdk_in_a_browser_allows_its_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # https://github.com/anthropics/anthropic-sdk-typescript#browser-support
    asked = (
        "anthropic-beta,anthropic-dangerous-direct-browser-access,anthropic-version,content-type,"
        "x-api-key,x-stainless-arch,x-stainless-lang,x-stainless-os,x-stainless-package-version,"
        "x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout"
    )
    monkeypatch.setenv("CHATD_CORS_ORIGINS", LISTED)
    headers = {"Origin": LISTED, "Access-Control-Request-Headers": asked}
    event = http_event("OPTIONS", "/v1/models", None, headers=headers)
    result = chat.app.lambda_handler(event, LambdaContext())

    assert result["multiValueHeaders"]["Access-Control-Allow-Headers"] == [asked]
