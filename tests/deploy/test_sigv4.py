"""The signature is right: computed again from what arrived, with the key that both sides know.

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


def recomputed(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """The signature that a request must have, for the headers that it says are signed."""
    sent = {name.lower(): value for name, value in headers.items()}
    given = AUTHORIZATION.fullmatch(sent["authorization"])
    assert given
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in query),
            *(f"{name}:{sent[name].strip()}" for name in given["names"].split(";")),
            "",
            given["names"],
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{given['day']}/{given['region']}/{given['service']}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{sent['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET}".encode()
    for part in (given["day"], given["region"], given["service"], "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def signature(headers: Mapping[str, str]) -> re.Match[str]:
    given = AUTHORIZATION.fullmatch(headers["Authorization"])
    assert given
    return given


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
def test_a_signature_is_that_of_the_request(method: str, path: str, body: bytes | None) -> None:
    url = f"https://api.example.com{path}"
    headers = {**sign_headers(method, url, body), "Host": "api.example.com"}

    given = signature(headers)
    assert given["signature"] == recomputed(method, url, headers, body or b"")
    assert (given["id"], given["region"], given["service"]) == (ID, REGION, "execute-api")


def test_what_arrives_has_the_signature_of_what_was_sent() -> None:
    import urllib.request  # noqa: PLC0415  # as the smoke test sends

    body = b'{"model": "llama3.2", "messages": []}'
    with upstream(reply({})) as server:
        url = f"{server.url}/v1/chat"
        request = urllib.request.Request(url, body, dict(sign_headers("POST", url, body)))
        urllib.request.urlopen(request, timeout=30).close()
        arrived = server.last

    assert arrived.body == body
    given = AUTHORIZATION.fullmatch(arrived.headers["authorization"])
    assert given
    assert given["signature"] == recomputed("POST", url, arrived.headers, arrived.body)
    assert {"host", "x-amz-date"} <= set(given["names"].split(";"))


def test_another_body_has_another_signature() -> None:
    url = "https://api.example.com/v1/chat"
    one = {**sign_headers("POST", url, b"{}"), "Host": "api.example.com"}

    assert signature(one)["signature"] != recomputed("POST", url, one, b"{ }")


def test_a_session_s_token_is_sign_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    url = "https://api.example.com/v1/chat"
    headers = {**sign_headers("POST", url, b"{}"), "Host": "api.example.com"}

    given = signature(headers)
    assert headers["X-Amz-Security-Token"] == "a-token"
    assert "x-amz-security-token" in given["names"].split(";")
    assert given["signature"] == recomputed("POST", url, headers, b"{}")


def test_the_secret_is_in_no_header() -> None:
    assert SECRET not in str(sign_headers("POST", "https://api.example.com/v1/chat", b"{}"))
