"""botocore's own signer is the judge of the signatures."""

from __future__ import annotations

import string
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import SecretStr

from chatd.credentials.aws_credentials import AwsCredentials
from chatd.credentials.aws_signing import AwsSigner, bearer_token, signed
from chatd.upstream_http import HttpRequest

ROLE = AwsCredentials("ASIAEXAMPLE", SecretStr("s3cret/key+1"), SecretStr("to/ken+=="))
USER = AwsCredentials("AKIAEXAMPLE", SecretStr("s3cret"))
NOW = datetime(2026, 11, 26, 7, 30, 5, tzinfo=UTC)
HOST = "https://bedrock-runtime.eu-central-1.amazonaws.com"

SEGMENTS = st.one_of(
    st.text(min_size=1, max_size=40).map(lambda text: quote(text, safe="")),
    st.sampled_from(["", ".", "..", "a~b", "%7E", "us.anthropic.claude-opus-5-v1%3A0"]),
)
PATHS = st.lists(SEGMENTS, max_size=6).map("/".join)
NAMES = st.text(string.ascii_letters + "-_.~:/ +", min_size=1, max_size=10)
QUERIES = st.lists(st.tuples(NAMES, NAMES), max_size=4).map(
    lambda pairs: urlencode(pairs, quote_via=quote)
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "User-Agent", "X-Amzn-Bedrock-Trace", "anthropic-beta", "x-amz-target"]
    ),
    st.text(string.ascii_letters + string.digits + ' =;,"{}', max_size=30),
)
URLS = st.builds(
    lambda host, path, query: f"{host}/{path}" + (f"?{query}" if query else ""),
    st.sampled_from(
        [HOST, f"{HOST}:443", "http://127.0.0.1:8123", "http://[::1]:80", "http://UP.x"]
    ),
    PATHS,
    QUERIES,
)


def botocores(
    request: HttpRequest, credentials: AwsCredentials, auth: type[Any], *more: Any
) -> Any:
    """Sign a request with botocore; return its request with the signature."""
    token = credentials.session_token
    frozen = Credentials(
        credentials.access_key,
        credentials.secret_key.get_secret_value(),
        token.get_secret_value() if token else None,
    )
    theirs = AWSRequest(request.method, request.url, dict(request.headers), request.body)
    auth(frozen, *more).add_auth(theirs)
    return theirs


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set botocore's clock to the tests' moment."""
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda remove_tzinfo=True: NOW)


def decoded_token(token: SecretStr) -> str:
    """Return the presigned URL, without its scheme, that a bearer token for Bedrock holds."""
    prefix, _, coded = token.get_secret_value().partition("bedrock-api-key-")
    assert prefix == ""
    return b64decode(coded, validate=True).decode()


def in_lower_case(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@example(f"{HOST}/?a=b&a%3A=b", {}, None, ROLE)
@given(URLS, HEADERS, st.none() | st.binary(max_size=100), st.sampled_from([ROLE, USER]))
def test_headers_are_those_of_botocore(
    url: str, headers: dict[str, str], body: bytes | None, credentials: AwsCredentials
) -> None:
    request = HttpRequest(url, headers, body)

    ours = signed(request, credentials, "bedrock", "eu-central-1", NOW)
    theirs = botocores(request, credentials, SigV4Auth, "bedrock", "eu-central-1")

    assert in_lower_case(ours.headers) == in_lower_case(theirs.headers)
    assert (ours.url, ours.body) == (url, body)


@pytest.mark.parametrize(
    ("model", "encoded_twice"),
    [
        ("amazon.nova-pro-v1:0", "amazon.nova-pro-v1%253A0"),
        (
            "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.x:0",
            "arn%253Aaws%253Abedrock%253Aeu-central-1%253A123456789012"
            "%253Ainference-profile%252Feu.x%253A0",
        ),
    ],
)
def test_the_path_of_a_model_is_encoded_twice(model: str, encoded_twice: str) -> None:
    request = HttpRequest(f"{HOST}/model/{quote(model, safe='')}/converse", {}, b"{}")
    auth = SigV4Auth(Credentials("a", "s"), "bedrock", "eu-central-1")

    canonical = auth.canonical_request(AWSRequest("POST", request.url, {"host": "h"}, b"{}"))
    theirs = botocores(request, ROLE, SigV4Auth, "bedrock", "eu-central-1")
    ours = signed(request, ROLE, "bedrock", "eu-central-1", NOW)

    assert f"/model/{encoded_twice}/converse" in canonical
    assert ours.headers["Authorization"] == theirs.headers["Authorization"]


def test_a_request_is_signed_anew_without_its_old_signature() -> None:
    request = HttpRequest(f"{HOST}/x", {"Content-Type": "application/json"}, b"{}")

    once = signed(request, USER, "bedrock", "eu-central-1", NOW)
    twice = signed(once, ROLE, "bedrock", "eu-central-1", NOW)

    assert twice.headers == signed(request, ROLE, "bedrock", "eu-central-1", NOW).headers


@pytest.mark.parametrize("credentials", [ROLE, USER], ids=["role", "user"])
def test_a_bearer_token_is_a_presigned_url_of_botocore(credentials: AwsCredentials) -> None:
    action = HttpRequest("https://bedrock.amazonaws.com/?Action=CallWithBearerToken", {}, b"")

    ours = decoded_token(bearer_token(credentials, "eu-central-1", NOW, 43_200))
    theirs = botocores(action, credentials, SigV4QueryAuth, "bedrock", "eu-central-1", 43_200)

    assert f"https://{ours}" == f"{theirs.url}&Version=1"


def test_a_signer_signs_with_the_present_moment() -> None:
    request = HttpRequest(f"{HOST}/x", {}, b"{}")

    ours = AwsSigner(ROLE, "bedrock", "eu-central-1", lambda: NOW).signed(request)

    assert ours.headers == signed(request, ROLE, "bedrock", "eu-central-1", NOW).headers


def test_no_repr_shows_a_secret() -> None:
    signer = AwsSigner(ROLE, "bedrock", "eu-central-1")

    shown = repr((ROLE, signer, signer.signed(HttpRequest(f"{HOST}/x", {}, b"{}"))))

    assert not any(secret in shown for secret in ("s3cret", "to/ken"))
