"""Assume a role with AWS STS, signed by our own signer.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlencode

from chatd.config.aws_region import in_region
from chatd.credentials.aws_credentials import AwsCredentials, AwsCredentialsError, from_texts
from chatd.credentials.aws_signing import signed
from chatd.errors import ChatdError
from chatd.upstream_http import HttpRequest, HttpResponse

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_STS"
_URL = "https://sts.{region}.amazonaws.com"
_MAX_BYTES = 65_536
# Texts of XML elements without children. No XML parser reads the answer, so no entity is expanded.
_TEXTS = re.compile(
    r"<(AccessKeyId|SecretAccessKey|SessionToken|Expiration|Code)>([^<>&]{1,16384})</\1>"
)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9+=,.@_-]")
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def request_of(role_arn: str, region: str, environ: Mapping[str, str]) -> HttpRequest:
    """Build the request, to the region's own endpoint; the session has the function's name."""
    name = _NOT_IN_NAMES.sub("-", environ.get("AWS_LAMBDA_FUNCTION_NAME") or "chatd")[:64]
    fields = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": role_arn,
        "RoleSessionName": name,
    }
    base = environ.get(ENDPOINT_VARIABLE) or in_region(_URL, region)
    return HttpRequest(f"{base.rstrip('/')}/", _HEADERS, urlencode(fields).encode())


def assume(
    request: HttpRequest,
    credentials: AwsCredentials,
    region: str,
    now: datetime,
    send: Callable[[HttpRequest], HttpResponse],
) -> AwsCredentials:
    """Assume the role of a request.

    Args:
        request: The request, as `request_of` builds it.
        credentials: The credentials that may assume the role.
        region: The region of the endpoint.
        now: The present moment in UTC.
        send: Sends a request.

    Raises:
        AwsCredentialsError: With a reason that names neither the role nor its account.

    """
    try:
        response = send(signed(request, credentials, "sts", region, now))
    except ChatdError as error:
        raise AwsCredentialsError(f"AWS STS could not be used: {error.default_code}") from None
    texts = _texts(response.body)
    if response.status != HTTPStatus.OK:
        code = str(texts.get("Code", ""))[:64]
        reason = code if code.isalpha() else f"status {response.status}"
        raise AwsCredentialsError(f"AWS STS refused the role: {reason}")
    try:
        return from_texts(texts, "SessionToken")
    except AwsCredentialsError as error:
        raise AwsCredentialsError(f"AWS STS: {error}") from None


def _texts(body: bytes) -> dict[str, object]:
    if len(body) > _MAX_BYTES:
        raise AwsCredentialsError("AWS STS answered with more than 64 kB")
    return dict(_TEXTS.findall(body.decode("utf-8", "replace")))
