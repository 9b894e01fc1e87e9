"""Verify the signature or the bearer token of a request, as AWS does, by botocore's own code.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.bedrock.errors import BedrockError
from tests.support.upstream import Received

Way = Literal["sigv4", "api key", "short-term key"]
# Differences of clocks that AWS accepts.
_SKEW = timedelta(minutes=5)
_TIME = "%Y%m%dT%H%M%SZ"
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)"
    r"/(?P<service>[a-z0-9-]+)/aws4_request, ?SignedHeaders=(?P<headers>[a-z0-9;-]+),"
    r" ?Signature=(?P<signature>[0-9a-f]{64})"
)
_SHORT_TERM = "bedrock-api-key-"
_LONGEST_SECONDS = 43_200


@dataclass(frozen=True, slots=True)
class Key:
    """An access key of AWS.

    Attributes:
        id: The key's id.
        secret: The secret.
        token: The session token of temporary credentials.
        account: The account that the key belongs to.

    """

    id: str = "AKIAMADEUP0123456789"
    secret: str = field(default="made-up/secret+0123456789", repr=False)
    token: str | None = field(default=None, repr=False)
    account: str = "111122223333"


@dataclass(slots=True)
class Access:
    """The credentials that the fake accepts.

    Attributes:
        region: The region of the endpoint.
        keys: The access keys by id.
        api_keys: The long-term API keys.

    """

    region: str = "us-east-1"
    keys: dict[str, Key] = field(default_factory=lambda: {Key().id: Key()})
    api_keys: set[str] = field(default_factory=lambda: {"ABSKmade-up-bedrock-key-0123456789"})

    def checked(self, method: str, received: Received, service: str = "bedrock") -> tuple[Way, Key]:
        """Verify a request.

        Args:
            method: The HTTP method.
            received: The request.
            service: The service that a signature must be for.

        Returns:
            How the caller proves itself, and its key.

        Raises:
            BedrockError: If the proof is missing, malformed, expired or wrong.

        """
        given = received.headers.get("authorization", "")
        if given.startswith("Bearer "):
            return self._bearer(given.removeprefix("Bearer "))
        if not given:
            raise BedrockError(
                "MissingAuthenticationTokenException", "Missing Authentication Token"
            )
        found = _AUTHORIZATION.fullmatch(given)
        if found is None:
            raise BedrockError("IncompleteSignatureException", "Authorization header is malformed")
        return "sigv4", self._signed(method, received, found, service)

    def _signed(self, method: str, received: Received, found: re.Match[str], service: str) -> Key:
        key = self._key(found["key"], received.headers.get("x-amz-security-token"))
        _same("service", found["service"], service)
        _same("region", found["region"], self.region)
        names = found["headers"].split(";")
        stamp = received.headers.get("x-amz-date", "")
        _in_time(stamp)
        _same("date", found["day"], stamp[:8])
        required = {"host", "x-amz-date", *(name for name in received.headers if "x-amz-" in name)}
        if missing := sorted(required - set(names)):
            raise BedrockError("InvalidSignatureException", f"unsigned headers: {missing}")
        signed = {name: received.headers[name] for name in names}
        _check_body(received)
        url = f"http://{received.headers['host']}{received.path}"
        request = AWSRequest(method, url, headers=signed, data=received.body)
        expected = _signature(SigV4Auth, key, request, stamp, (service, self.region))
        _check_signature(found["signature"], expected)
        return key

    def _bearer(self, token: str) -> tuple[Way, Key]:
        if token in self.api_keys:
            return "api key", Key()
        if not token.startswith(_SHORT_TERM):
            raise BedrockError("AccessDeniedException", "Authentication failed: invalid API key.")
        text = base64.b64decode(token.removeprefix(_SHORT_TERM)).decode()
        if not text.startswith("bedrock.amazonaws.com/?") or not text.endswith("&Version=1"):
            raise BedrockError("AccessDeniedException", "Authentication failed: malformed API key.")
        return "short-term key", self._presigned(f"https://{text.removesuffix('&Version=1')}")

    def _presigned(self, url: str) -> Key:
        """Verify the presigned URL inside a short-term key.

        https://github.com/aws/aws-bedrock-token-generator-python
        """
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        key_id, day, region, service, _ = query["X-Amz-Credential"].split("/")
        key = self._key(key_id, query.get("X-Amz-Security-Token"))
        _same("action", query["Action"], "CallWithBearerToken")
        _same("service", service, "bedrock")
        _same("region", region, self.region)
        _same("signed headers", query["X-Amz-SignedHeaders"], "host")
        _same("date", day, query["X-Amz-Date"][:8])
        seconds = int(query["X-Amz-Expires"])
        if not 0 < seconds <= _LONGEST_SECONDS:
            raise BedrockError("AccessDeniedException", "X-Amz-Expires is out of range")
        _in_time(query["X-Amz-Date"], timedelta(seconds=seconds))
        base, _, given = url.partition("&X-Amz-Signature=")
        request = AWSRequest("POST", base, headers={"host": "bedrock.amazonaws.com"})
        place = (service, region)
        _check_signature(
            given, _signature(SigV4QueryAuth, key, request, query["X-Amz-Date"], place)
        )
        return key

    def _key(self, key_id: str, token: str | None) -> Key:
        key = self.keys.get(key_id)
        if key is None or (key.token or None) != (token or None):
            raise BedrockError(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            )
        return key


def _signature(
    kind: type[SigV4Auth], key: Key, request: AWSRequest, stamp: str, place: tuple[str, str]
) -> str:
    """Compute the signature with botocore's methods, at the request's own time."""
    signer = kind(Credentials(key.id, key.secret, key.token), *place)
    request.context["timestamp"] = stamp
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(text, request))


def _check_signature(given: str, expected: str) -> None:
    if not hmac.compare_digest(given, expected):
        raise BedrockError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided.",
        )


def _check_body(received: Received) -> None:
    given = received.headers.get("x-amz-content-sha256")
    if given is not None and given != hashlib.sha256(received.body).hexdigest():
        raise BedrockError("InvalidSignatureException", "x-amz-content-sha256 is not the body's")


def _in_time(stamp: str, lifetime: timedelta = _SKEW) -> None:
    """Refuse a time that is no time, in the future, or too long ago."""
    try:
        at = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise BedrockError("IncompleteSignatureException", "X-Amz-Date is malformed") from None
    if not -_SKEW <= datetime.now(UTC) - at <= lifetime:
        raise BedrockError("ExpiredTokenException", "Signature expired")


def _same(what: str, given: str, expected: str) -> None:
    if given != expected:
        message = f"Credential should be scoped to the {what} {expected!r}, not {given!r}"
        raise BedrockError("InvalidSignatureException", message)


def environment(key: Key, region: str) -> Mapping[str, str]:
    """Return the variables that hand a key to a program, as on Lambda."""
    names: Iterable[tuple[str, str | None]] = (
        ("AWS_ACCESS_KEY_ID", key.id),
        ("AWS_SECRET_ACCESS_KEY", key.secret),
        ("AWS_SESSION_TOKEN", key.token),
        ("AWS_REGION", region),
    )
    return {name: value for name, value in names if value is not None}
