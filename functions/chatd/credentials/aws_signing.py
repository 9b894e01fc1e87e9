"""Sign requests to AWS with Signature Version 4, and mint bearer tokens for Bedrock.

Signing needs `hmac` alone: importing boto3 takes longer than a whole cold start
(docs/decisions/0046-requests-signed-for-aws.md).

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

from pydantic import SecretStr

from chatd.credentials.aws_credentials import AwsCredentials
from chatd.upstream_http import HttpRequest

_ALGORITHM = "AWS4-HMAC-SHA256"
# Headers that a proxy may change.
_UNSIGNED = frozenset(
    {"user-agent", "connection", "expect", "transfer-encoding", "x-amzn-trace-id"}
)
# Headers that the signature writes; earlier values are left out.
_WRITTEN = frozenset({"authorization", "host", "x-amz-date", "x-amz-security-token"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
# https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-generate.html
_TOKEN_HOST = "bedrock.amazonaws.com"  # noqa: S105  # a host, not a token
_TOKEN_PREFIX = "bedrock-api-key-"  # noqa: S105  # a prefix, not a token


@dataclass(frozen=True, slots=True)
class _Scope:
    """The scope of a signature: moment, region and service."""

    time: str
    region: str
    service: str

    @property
    def text(self) -> str:
        return f"{self.time[:8]}/{self.region}/{self.service}/aws4_request"

    def signature(self, canonical: str, secret: SecretStr) -> str:
        """Sign a request in its canonical form."""
        key = f"AWS4{secret.get_secret_value()}".encode()
        for part in self.text.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        digest = sha256(canonical.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{self.time}\n{self.text}\n{digest}"
        return hmac.digest(key, text.encode(), "sha256").hex()


@dataclass(frozen=True, slots=True, eq=False)
class AwsSigner:
    """Sign the requests of one provider with the credentials of one lookup.

    Attributes:
        credentials: The credentials.
        service: The name in the signature, such as `bedrock`.
        region: The region in the signature, such as `eu-central-1`.
        clock: Returns the present moment in UTC.

    """

    credentials: AwsCredentials
    service: str
    region: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The secrets that AWS may quote in a message about a signature."""
        return self.credentials.secrets

    def signed(self, request: HttpRequest) -> HttpRequest:
        """Return the request with the headers of its signature, valid for 5 minutes."""
        return signed(request, self.credentials, self.service, self.region, self.clock())


def signed(
    request: HttpRequest, credentials: AwsCredentials, service: str, region: str, now: datetime
) -> HttpRequest:
    """Return the request with the headers of its signature.

    Args:
        request: The request; its URL is percent-encoded, as it is sent.
        credentials: The credentials.
        service: The name in the signature, such as `bedrock`.
        region: The region in the signature.
        now: The present moment in UTC.

    """
    scope = _Scope(now.strftime("%Y%m%dT%H%M%SZ"), region, service)
    url = urlsplit(request.url)
    headers = {
        name: value for name, value in request.headers.items() if name.lower() not in _WRITTEN
    }
    headers["X-Amz-Date"] = scope.time
    if credentials.session_token is not None:
        headers["X-Amz-Security-Token"] = credentials.session_token.get_secret_value()
    lines = _signed_lines(headers, _host(request.url))
    names = ";".join(lines)
    canonical = "\n".join(
        (
            request.method,
            _canonical_path(url.path),
            _canonical_query(url.query),
            *(f"{name}:{value}" for name, value in lines.items()),
            "",
            names,
            sha256(request.body or b"").hexdigest(),
        )
    )
    signature = scope.signature(canonical, credentials.secret_key)
    headers["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope.text},"
        f" SignedHeaders={names}, Signature={signature}"
    )
    return HttpRequest(request.url, headers, request.body)


def bearer_token(
    credentials: AwsCredentials, region: str, now: datetime, seconds: int
) -> SecretStr:
    """Mint a bearer token for Bedrock: a presigned URL in base64.

    The token holds as long as the credentials do, and not longer than `seconds`.

    https://github.com/aws/aws-bedrock-token-generator-python

    Args:
        credentials: The credentials, whose role needs `bedrock:CallWithBearerToken`.
        region: The region in which the token holds.
        now: The present moment in UTC.
        seconds: How long the token holds, at most 43,200.

    """
    scope = _Scope(now.strftime("%Y%m%dT%H%M%SZ"), region, "bedrock")
    query = {
        "Action": "CallWithBearerToken",
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope.text}",
        "X-Amz-Date": scope.time,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token is not None:
        query["X-Amz-Security-Token"] = credentials.session_token.get_secret_value()
    written = urlencode(query, quote_via=quote, safe="-_.~")
    ordered = "&".join(sorted(written.split("&")))
    canonical = f"POST\n/\n{ordered}\nhost:{_TOKEN_HOST}\n\nhost\n{sha256(b'').hexdigest()}"
    signature = scope.signature(canonical, credentials.secret_key)
    url = f"{_TOKEN_HOST}/?{written}&X-Amz-Signature={signature}&Version=1"
    return SecretStr(_TOKEN_PREFIX + b64encode(url.encode()).decode())


def _signed_lines(headers: Mapping[str, str], host: str) -> dict[str, str]:
    """Return the signed headers in their canonical form and order."""
    lines = {
        name.lower(): " ".join(value.split())
        for name, value in headers.items()
        if name.lower() not in _UNSIGNED
    }
    lines["host"] = host
    return dict(sorted(lines.items()))


def _host(url: str) -> str:
    """Return the value of the Host header: without the port if it is the scheme's own."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    port = parts.port
    return host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"


def _canonical_query(query: str) -> str:
    """Sort an encoded query by its names, then by its values."""
    pairs = query.split("&") if query else []
    return "&".join(sorted(pairs, key=lambda pair: pair.partition("=")))


def _canonical_path(path: str) -> str:
    """Encode an encoded path once more, without empty and dot segments.

    Every service except S3 requires this; `%3A` of a model's id becomes `%253A`.
    """
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return f"/{quote('/'.join(kept), safe='/~')}{end}"
