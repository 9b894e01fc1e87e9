"""Test SigV4 signatures against an independent computation.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from deploy.sigv4 import sign_headers
from tests.support.upstream import reply, upstream

ID, SECRET, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "eu-central-1"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>\w+)/(?P<day>\d{8})/(?P<region>[\w-]+)/(?P<service>[\w-]+)"
    r"/aws4_request, SignedHeaders=(?P<names>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def compute_signature(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """Compute the expected signature from the request and the list of signed headers."""
    sent = {name.lower(): value for name, value in headers.items()}
    match = AUTHORIZATION.fullmatch(sent["authorization"])
    assert match
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in query),
            *(f"{name}:{sent[name].strip()}" for name in match["names"].split(";")),
            "",
            match["names"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{match['day']}/{match['region']}/{match['service']}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{sent['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in (match["day"], match["region"], match["service"], "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def parse_authorization(headers: Mapping[str, str]) -> re.Match[str]:
    match = AUTHORIZATION.fullmatch(headers["Authorization"])
    assert match
    return match


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/chat/providers", None),
        ("POST", "/live/v1/chat", b'{"model": "llama3.2"}'),
        ("POST", "/v1/chat", '{"text": "Grüße"}'.encode()),
        ("GET", "/v1/models/a b", None),
        ("GET", "/v1/models?b=2&a=1", None),
        ("GET", "", None),
    ],
)
def test_the_signature_matches_the_request(method: str, path: str, body: bytes | None) -> None:
    url = f"https://api.example.com{path}"
    headers = {**sign_headers(method, url, body), "Host": "api.example.com"}

    match = parse_authorization(headers)
    assert match["signature"] == compute_signature(method, url, headers, body or b"")
    assert (match["id"], match["region"], match["service"]) == (ID, REGION, "execute-api")


def test_the_received_request_has_a_valid_signature() -> None:
    import urllib.request  # noqa: PLC0415  # as the smoke test sends

    body = b'{"model": "llama3.2", "messages": []}'
    with upstream(reply({})) as server:
        url = f"{server.url}/v1/chat"
        request = urllib.request.Request(url, body, dict(sign_headers("POST", url, body)))
        urllib.request.urlopen(request, timeout=30).close()
        arrived = server.last

    assert arrived.body == body
    match = AUTHORIZATION.fullmatch(arrived.headers["authorization"])
    assert match
    assert match["signature"] == compute_signature("POST", url, arrived.headers, arrived.body)
    assert {"host", "x-amz-date"} <= set(match["names"].split(";"))


def test_a_different_body_has_a_different_signature() -> None:
    url = "https://api.example.com/v1/chat"
    one = {**sign_headers("POST", url, b"{}"), "Host": "api.example.com"}

    assert parse_authorization(one)["signature"] != compute_signature("POST", url, one, b"{ }")


def test_a_session_token_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    url = "https://api.example.com/v1/chat"
    headers = {**sign_headers("POST", url, b"{}"), "Host": "api.example.com"}

    match = parse_authorization(headers)
    assert headers["X-Amz-Security-Token"] == "a-token"
    assert "x-amz-security-token" in match["names"].split(";")
    assert match["signature"] == compute_signature("POST", url, headers, b"{}")


def test_no_header_contains_the_secret() -> None:
    assert SECRET not in str(sign_headers("POST", "https://api.example.com/v1/chat", b"{}"))
