"""Fetch credentials from the endpoint of a container, or of a SnapStart function.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html and
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-best-practices.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from chatd.credentials.aws_credentials import AwsCredentials, AwsCredentialsError, from_texts
from chatd.errors import ChatdError
from chatd.upstream_http import HttpRequest, HttpResponse

FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN"  # noqa: S105  # the name of a variable
_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105  # as above
_ECS = "http://169.254.170.2"
# ECS, and EKS over both versions of IP.
_HOSTS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
_MAX_BYTES = 65_536
_MAX_TOKEN = 16_384  # characters


def is_configured(environ: Mapping[str, str]) -> bool:
    """Return whether the environment names an endpoint."""
    return bool(environ.get(FULL) or environ.get(RELATIVE))


def fetch(
    environ: Mapping[str, str], send: Callable[[HttpRequest], HttpResponse]
) -> AwsCredentials:
    """Fetch credentials.

    Raises:
        AwsCredentialsError: If the endpoint is not allowed, cannot be reached, or refuses.

    """
    relative = environ.get(RELATIVE)
    url = f"{_ECS}{relative}" if relative else environ.get(FULL, "")
    if not _is_allowed(url):
        raise AwsCredentialsError(f"{FULL} must be https, or of this machine or container")
    token = _token(environ)
    try:
        response = send(HttpRequest(url, {"Authorization": token} if token else {}))
    except ChatdError as error:
        raise AwsCredentialsError(f"the container's credentials: {error.default_code}") from None
    if response.status != HTTPStatus.OK:
        raise AwsCredentialsError(f"the container's credentials: status {response.status}")
    return from_texts(_values(response.body), "Token")


def _values(body: bytes) -> Mapping[str, object]:
    try:
        values = json.loads(body) if len(body) <= _MAX_BYTES else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise AwsCredentialsError("the container's credentials are not a JSON object")
    return values


def _is_allowed(url: str) -> bool:
    """Return whether credentials may be fetched there: plain HTTP only from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return bool(host)
        return parts.scheme == "http" and (
            host in _HOSTS or host == "localhost" or ip_address(host).is_loopback
        )
    except ValueError:
        return False


def _token(environ: Mapping[str, str]) -> str | None:
    """Return the token; a file of it is read at each fetch, because EKS replaces it."""
    path, token = environ.get(_TOKEN_FILE), environ.get(_TOKEN)
    if path:
        try:
            with Path(path).open(encoding="utf-8") as file:
                token = file.read(_MAX_TOKEN).strip()
        except (OSError, UnicodeDecodeError) as error:
            kind = type(error).__name__
            raise AwsCredentialsError(f"{_TOKEN_FILE} cannot be read ({kind})") from None
    if token and not (token.isascii() and token.isprintable()):
        raise AwsCredentialsError(f"{_TOKEN} holds characters that a header cannot have")
    return token or None
