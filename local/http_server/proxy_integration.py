"""Translate between HTTP and the events and results of API Gateway's REST proxy integration.

The shapes:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from local.routes import Route

_STAGE = "local"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# A line break in a value would split the response.
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# Statuses that end a response without a body.
BODILESS = (204, 304)
# Headers that frame the body; the server sets them.
_FRAMING_HEADERS = ("content-length", "transfer-encoding", "connection", "keep-alive")


class MalformedResultError(Exception):
    """The function's result is malformed; API Gateway sends 502 then."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request, with the path not decoded."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client: str


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An HTTP response without framing headers."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def to_event(
    request: HttpRequest, route: Route, request_id: str, *, caller: str | None = None
) -> dict[str, Any]:
    """Translate a request into a proxy event.

    Args:
        request: The request.
        route: The route that matches the request.
        request_id: The id of the request.
        caller: The caller's name; None without caller keys.

    """
    headers = _group(request.headers)
    query = _group(parse_qsl(request.query, keep_blank_values=True))
    body, is_base64 = _event_body(request.body)
    return {
        "resource": route.path,
        "path": request.path,
        "httpMethod": request.method,
        "headers": _last_values(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": _last_values(query) or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": route.parameters(request.path) or None,
        "stageVariables": None,
        "requestContext": _context(request, route, request_id, caller),
        "body": body,
        "isBase64Encoded": is_base64,
    }


def to_response(result: object) -> HttpResponse:
    """Translate a function's result into an HTTP response.

    Raises:
        MalformedResultError: If API Gateway would reject the result.

    """
    if not isinstance(result, dict):
        raise MalformedResultError("the result is not an object")
    status = result.get("statusCode")
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004  # final statuses
        raise MalformedResultError("statusCode is not an HTTP status")
    body = b"" if status in BODILESS else _result_body(result)
    return HttpResponse(status, tuple(_merged_headers(result)), body)


def _context(
    request: HttpRequest, route: Route, request_id: str, caller: str | None
) -> dict[str, Any]:
    agents = [value for name, value in request.headers if name.lower() == "user-agent"]
    now = time.time()
    context = {
        "requestId": request_id,
        "extendedRequestId": request_id,
        "stage": _STAGE,
        "path": request.path,
        "resourcePath": route.path,
        "httpMethod": request.method,
        "protocol": "HTTP/1.1",
        "accountId": "000000000000",
        "apiId": _STAGE,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": request.client, "userAgent": agents[-1] if agents else None},
    }
    return context if caller is None else {**context, "authorizer": {"principalId": caller}}


def _group(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def _last_values(groups: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in groups.items()}


def _event_body(body: bytes) -> tuple[str | None, bool]:
    if not body:
        return None, False
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True


def _merged_headers(result: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Merge both header maps. As in API Gateway, `multiValueHeaders` wins for a name in both."""
    many = _checked_map(result.get("multiValueHeaders"))
    names = {name.lower() for name in many}
    one = _checked_map(result.get("headers"))
    pairs = [(name, value) for name, value in one.items() if name.lower() not in names]
    pairs += [(name, value) for name, values in many.items() for value in _checked_list(values)]
    if not any(name.lower() == "content-type" for name, _ in pairs):
        yield "Content-Type", "application/json"
    for name, value in pairs:
        if name.lower() not in _FRAMING_HEADERS:
            yield name, _checked_value(name, value)


def _checked_map(value: object) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(map(_HEADER_NAME.fullmatch, value)):
        raise MalformedResultError("the headers are not an object of header names")
    return value


def _checked_list(values: object) -> list[Any]:
    if not isinstance(values, list):
        raise MalformedResultError("multiValueHeaders contains a value that is not a list")
    return values


def _checked_value(name: str, value: object) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else None
    if text is None or not _HEADER_VALUE.fullmatch(text):
        raise MalformedResultError(f"the value of header {name} is not a valid header value")
    return text


def _result_body(result: Mapping[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResultError("body is not a text")
    if not result.get("isBase64Encoded"):
        return body.encode(errors="replace")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise MalformedResultError("isBase64Encoded is true, but body is not base64") from None
