"""Verify request signatures in front of moto's server, and refuse unsigned requests.

moto serves every origin, checks no signature, and returns all its data at `/moto-api`. A web page
or another user of the machine has no credential, so this check refuses their requests.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
import io
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SERVICE = "secretsmanager"
# The clock difference that AWS accepts in a signature.
_CLOCK_SKEW = timedelta(minutes=15)
# Bytes. A secret has at most 64 KB.
_MAX_BODY = 256 * 1024
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([A-Za-z0-9_-]+)/\d{8}/([a-z0-9-]+)/secretsmanager/aws4_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
# A signature that omits one of these headers would be valid for other requests too.
_SIGNED_HEADERS = {"host", "x-amz-date", "x-amz-target"}

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class _RefusedError(Exception):
    """The request is refused; the message is the reason."""


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """Forward signed calls of Secrets Manager to a WSGI app; refuse all other requests with 403.

    Attributes:
        app: Serves the forwarded requests.
        access_key: The id of the accepted credential.
        secret_key: The secret of the accepted credential.
        hosts: The accepted values of the Host header.

    """

    app: Callable[[Environ, StartResponse], Iterable[bytes]]
    access_key: str
    secret_key: str = field(repr=False)
    hosts: tuple[str, ...]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            self._check_origin(environ)
            body = self._verified_body(environ)
        except _RefusedError as refusal:
            return _refusal_body(str(refusal), start_response)
        environ["wsgi.input"] = io.BytesIO(body)
        return self.app(environ, start_response)

    def _check_origin(self, environ: Environ) -> None:
        if "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ:
            raise _RefusedError("a web page may not call this address")
        if environ.get("HTTP_HOST") not in self.hosts:
            raise _RefusedError("the Host header does not name this address")
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", "/"):
            raise _RefusedError("only calls of Secrets Manager are served: POST /")
        if environ.get("QUERY_STRING"):
            raise _RefusedError("calls of Secrets Manager have no query")
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith(f"{_SERVICE}."):
            raise _RefusedError("only calls of Secrets Manager are served")

    def _verified_body(self, environ: Environ) -> bytes:
        found = _AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None:
            raise _RefusedError("the request is not signed with Signature Version 4")
        access_key, region, signed, signature = found.groups()
        if not hmac.compare_digest(access_key, self.access_key):
            raise _RefusedError("the request is signed with the credential of another run")
        _check_time(environ.get("HTTP_X_AMZ_DATE", ""))
        names = signed.split(";")
        if not set(names) >= _SIGNED_HEADERS:
            raise _RefusedError("the signature omits a required header")
        body = _read_body(environ)
        expected = self._signature(environ, region, names, body)
        if not hmac.compare_digest(signature, expected):
            raise _RefusedError("the signature does not match")
        return body

    def _signature(self, environ: Environ, region: str, names: list[str], body: bytes) -> str:
        """Compute the expected signature of the request."""
        signer = SigV4Auth(Credentials(self.access_key, self.secret_key), _SERVICE, region)
        headers = {name: _header(environ, name) for name in names}
        request = AWSRequest("POST", f"http://{environ['HTTP_HOST']}/", headers, body)
        request.context["timestamp"] = environ["HTTP_X_AMZ_DATE"]
        canonical = signer.canonical_request(request)
        return str(signer.signature(signer.string_to_sign(request, canonical), request))


def _check_time(stamp: str) -> None:
    try:
        signed = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _RefusedError("the request has no valid X-Amz-Date") from None
    if abs(datetime.now(UTC) - signed) > _CLOCK_SKEW:
        raise _RefusedError("the signature is too old")


def _read_body(environ: Environ) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > _MAX_BODY:
        raise _RefusedError(f"the body must have a Content-Length of at most {_MAX_BODY}")
    return bytes(environ["wsgi.input"].read(int(length)))


def _header(environ: Environ, name: str) -> str:
    if name in ("content-type", "content-length"):
        return str(environ.get(name.upper().replace("-", "_"), ""))
    return str(environ.get(f"HTTP_{name.upper().replace('-', '_')}", ""))


def _refusal_body(reason: str, start_response: StartResponse) -> list[bytes]:
    body = json.dumps({"__type": "AccessDeniedException", "message": reason}).encode()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
    start_response("403 Forbidden", [*headers, ("Connection", "close")])
    return [body]
