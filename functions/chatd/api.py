"""The way in and out of a function: API Gateway's events, direct invocations, and their errors.

It knows events and renderings, and nothing of models or providers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from chatd.deadline import Deadline
from chatd.errors import ChatdError, InternalError, InvalidRequestError, RouteNotFoundError
from chatd.gateway import Call
from chatd.settings import ConfigError, Settings
from chatd.telemetry import Telemetry, place_of

# Seconds of the time there is that are kept to render an answer and hand it over.
_MARGIN = 0.5
_EXPOSED = "x-request-id, retry-after"
_USUAL_HEADERS = "authorization, content-type, x-api-key"


class Context(Protocol):
    """What is needed of Lambda's context object."""

    @property
    def aws_request_id(self) -> str:
        """The invocation's id."""

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds until Lambda ends the invocation."""


def is_http(event: object) -> bool:
    """Whether the event came through API Gateway; otherwise it is a direct invocation."""
    return isinstance(event, dict) and "httpMethod" in event and "requestContext" in event


def resolver() -> APIGatewayRestResolver:
    """A REST resolver that renders our errors; a door adds its routes."""
    app = APIGatewayRestResolver()

    def failed(error: ChatdError) -> Response[str]:
        return _rendered(error, app.lambda_context.aws_request_id)

    def not_found(_error: Exception) -> Response[str]:
        return failed(
            RouteNotFoundError(
                f"nothing is served at {app.current_event.http_method} {app.current_event.path}"
            )
        )

    def faulted(fault: Exception) -> Response[str]:
        return failed(_fault(fault))

    app.exception_handler(ChatdError)(failed)
    app.exception_handler(Exception)(faulted)
    app.not_found()(not_found)
    return app


def answered(body: Mapping[str, Any]) -> Response[str]:
    """A body as a response with status 200."""
    return Response(200, "application/json", _json(body))


def resolved(
    app: APIGatewayRestResolver,
    event: Mapping[str, Any],
    context: Context,
    settings: Callable[[], Settings],
) -> dict[str, Any]:
    """Answer an event of API Gateway.

    Args:
        app: The door's resolver.
        event: The event.
        context: Lambda's context.
        settings: Gives the settings, or raises ConfigError.

    Returns:
        A proxy response.

    """
    try:
        origins = settings().cors_origins
    except ConfigError as error:
        refused = _rendered(_misconfigured(error), context.aws_request_id)
        return {
            "statusCode": refused.status_code,
            "multiValueHeaders": {"Content-Type": ["application/json"]},
            "body": refused.body,
            "isBase64Encoded": False,
        }
    if event["httpMethod"] == "OPTIONS":
        return _preflight(event, origins)
    result = app.resolve({**event, "path": _path(event)}, context)  # type: ignore[arg-type]  # it reads no more of the context than Context has
    headers = result["multiValueHeaders"]
    headers["x-request-id"] = [context.aws_request_id]
    headers.update(_cors(header(event, "origin"), origins))
    return result


def invoked(answer: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Answer a direct invocation.

    Args:
        answer: Gives the answer, or raises.

    Raises:
        ChatdError: Named by its class, with no frames of ours but the last.

    """
    try:
        return dict(answer())
    except ConfigError as error:
        raise _misconfigured(error) from None
    except ChatdError as error:
        # Lambda's runtime shows the caller the frames that an exception passed.
        raise error.with_traceback(None) from None


def body_of(event: Mapping[str, Any]) -> bytes:
    """The body of an API Gateway event.

    Raises:
        InvalidRequestError: If it says to be base64 and is not.

    """
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequestError("the body is not the base64 that it says to be") from None
    return str(body).encode("utf-8", "surrogatepass")


def request_of(event: object) -> bytes:
    """The request of a direct invocation; in an EventBridge envelope it is `detail`.

    Raises:
        InvalidRequestError: If it cannot be JSON.

    """
    if isinstance(event, dict) and "detail-type" in event and "detail" in event:
        event = event["detail"]
    try:
        return json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (TypeError, ValueError, RecursionError):
        raise InvalidRequestError("the event is not JSON, or is nested too deeply") from None


def call_of(event: Mapping[str, Any] | None, context: Context, settings: Settings) -> Call:
    """The invocation's id and deadline: the sooner of Lambda's and the route's.

    Args:
        event: The event of API Gateway; None for a direct invocation, which has no route.
        context: Lambda's context.
        settings: Holds the route's limit.

    """
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _MARGIN)
    if event is not None and settings.http_seconds is not None:
        deadline = deadline.within(settings.http_seconds - _waited(event) - _MARGIN)
    return Call(context.aws_request_id, deadline)


def header(event: Mapping[str, Any], name: str) -> str | None:
    """A header's value, by its name in lower case."""
    headers = event.get("headers") or {}
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _waited(event: Mapping[str, Any]) -> float:
    """The seconds since API Gateway took the request, a cold start included."""
    taken = event["requestContext"].get("requestTimeEpoch")
    waited = time.time() - taken / 1000 if isinstance(taken, int) else 0.0
    # `sam local` and recorded events give other times: they say nothing of this request.
    return waited if 0 < waited < 60 else 0.0  # noqa: PLR2004  # no cold start takes a minute


def _path(event: Mapping[str, Any]) -> str:
    """The path as the template has it: a custom domain may have put its base path before it."""
    resource = event.get("resource") or ""
    if not resource or "{proxy+}" in resource:
        return str(event.get("path") or "/")
    parameters = event.get("pathParameters") or {}
    return re.sub(r"\{(\w+)\+?\}", lambda match: parameters.get(match[1], ""), resource)


def _cors(origin: str | None, allowed: tuple[str, ...]) -> dict[str, list[str]]:
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": ["*"], "Access-Control-Expose-Headers": [_EXPOSED]}
    if origin not in allowed:
        return {"Vary": ["Origin"]} if allowed else {}
    return {
        "Access-Control-Allow-Origin": [origin],
        "Access-Control-Expose-Headers": [_EXPOSED],
        "Vary": ["Origin"],
    }


def _preflight(event: Mapping[str, Any], allowed: tuple[str, ...]) -> dict[str, Any]:
    """What a browser asks before it lets a page call; without a listed origin it hears nothing."""
    headers = _cors(header(event, "origin"), allowed)
    if "Access-Control-Allow-Origin" in headers:
        asked = header(event, "access-control-request-headers") or _USUAL_HEADERS
        headers["Access-Control-Allow-Methods"] = ["GET, POST, OPTIONS"]
        headers["Access-Control-Allow-Headers"] = [asked]
        headers["Access-Control-Max-Age"] = ["3600"]
    return {"statusCode": 204, "multiValueHeaders": headers, "body": "", "isBase64Encoded": False}


def _rendered(error: ChatdError, request_id: str) -> Response[str]:
    return Response(
        error.status, "application/json", _json(error.body(request_id)), dict(error.headers())
    )


def _misconfigured(error: ConfigError) -> InternalError:
    Telemetry().warn(str(error))
    return InternalError("the gateway's configuration holds a mistake; its log says which")


def _fault(fault: Exception) -> InternalError:
    Telemetry().warn(place_of(fault))
    return InternalError("a fault of the gateway's own; its log has the place")


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
