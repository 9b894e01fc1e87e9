"""Route API Gateway's events to handlers, and write responses and failures."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chatd.aws_lambda.events import Context, LambdaEvent, header
from chatd.aws_lambda.streaming import Collected, Sink, StreamingResponse
from chatd.config import cors_origins as origins
from chatd.config.settings import ConfigError, Settings
from chatd.errors import ChatdError, InternalError, RouteNotFoundError
from chatd.safe_json.finite_numbers import compact, finite
from chatd.surfaces import ErrorResponse, error_at, openai_error
from chatd.telemetry.record import place_of
from chatd.telemetry.writer import Telemetry

_EXPOSED = (
    "x-request-id, request-id, retry-after, x-should-retry, x-chatd-attempts,"
    " x-chatd-dropped-params, x-chatd-estimated, x-chatd-idempotency, x-chatd-warning"
)
_USUAL_HEADERS = "authorization, content-type, idempotency-key, x-api-key"


@dataclass(slots=True, eq=False)
class Response:
    """A whole HTTP response."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


Handler = Callable[[LambdaEvent, Context], Response | StreamingResponse]


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The handler of a method and a path, and the writer of its errors.

    Attributes:
        handler: Answers a request, or raises.
        error: Writes a failure in the caller's API, from the error and the request's id.
        by_header: The route that replaces this one for a request with the header of that name, in
            lower case.

    """

    handler: Handler
    error: Callable[[ChatdError, str], ErrorResponse] = openai_error
    by_header: Mapping[str, Route] = field(default_factory=dict)

    def for_headers_of(self, event: LambdaEvent) -> Route:
        """Return the route for a request with these headers."""
        for name, replacing in self.by_header.items():
            if header(event, name) is not None:
                return replacing
        return self


class Router:
    """Select the route of an event; add CORS headers and the request's id to every response.

    Args:
        settings: Returns the settings, or raises ConfigError.
        routes: The routes by method and path, as in template.yaml: `GET /health`.

    """

    def __init__(self, settings: Callable[[], Settings], routes: Mapping[str, Route]) -> None:
        self._settings = settings
        self.routes = routes

    def answer(self, event: LambdaEvent, context: Context) -> dict[str, Any] | StreamingResponse:
        """Answer an event of API Gateway with a proxy response or a streaming response.

        A streaming response is collected into a proxy response under `sam local`, which cannot
        stream.
        """
        # OpenAI's SDKs read x-request-id, and Anthropic's request-id.
        headers = dict.fromkeys(("x-request-id", "request-id"), context.aws_request_id)
        name = f"{event['httpMethod']} {_resource(event, self.routes)}"
        route = self.routes.get(name) or _not_found(name, _path(event))
        route = route.for_headers_of(event)
        try:
            headers |= _cors(header(event, "origin"), self._settings().cors_origins)
            if event["httpMethod"] == "OPTIONS":
                return _proxy(Response(204, "", _preflight(event, headers)), headers)
            answer = route.handler(event, context)
        except Exception as error:  # noqa: BLE001  # the last line: logged by place, never by words
            answer = _failure(route, error, context.aws_request_id)
        if isinstance(answer, Response):
            return _proxy(answer, headers)
        live = WithHeaders(answer, headers)
        return _collected(live) if os.environ.get("AWS_SAM_LOCAL") == "true" else live


class WithHeaders:
    """A streaming response with further headers.

    Args:
        live: The response.
        headers: The further headers; the response's own replace them.

    """

    def __init__(self, live: StreamingResponse, headers: Mapping[str, str]) -> None:
        self._live = live
        self._headers = headers

    def write_to(self, sink: Sink) -> None:
        """Write the response with the headers."""
        self._live.write_to(_HeaderSink(sink, self._headers))

    def abort(self) -> None:
        """Cancel the response, from any thread: the caller hung up."""
        self._live.abort()


class _HeaderSink:
    def __init__(self, sink: Sink, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self._sink = sink
        self.write = sink.write

    def commit(self, status: int, headers: Mapping[str, str]) -> None:
        self._sink.commit(status, {**self._headers, **headers})


def answered(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Write a body as a response with status 200."""
    return Response(200, _json(body), headers or {})


def invoked(answer: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Answer a direct invocation.

    Args:
        answer: Returns the response's body, or raises.

    Raises:
        ChatdError: Named by its class, without the gateway's stack frames.

    """
    try:
        return dict(finite(answer()))
    except ConfigError as error:
        raise _misconfigured(error) from None
    except ChatdError as error:
        # Lambda's runtime shows the caller the frames that an exception passed.
        raise error.with_traceback(None) from None


def _resource(event: LambdaEvent, routes: Mapping[str, Route]) -> str:
    """Find the route's path, as in the template; a custom domain prefixes the event's path."""
    resource = str(event.get("resource") or "")
    return resource if any(name.endswith(f" {resource}") for name in routes) else _path(event)


def _path(event: LambdaEvent) -> str:
    return re.sub(r"/+$", "", str(event.get("path") or "")) or "/"


def _cors(origin: str | None, allowed: tuple[str, ...]) -> dict[str, str]:
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": _EXPOSED}
    if origin is None or not origins.lists(allowed, origin):
        return {"Vary": "Origin"} if allowed else {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": _EXPOSED,
        "Vary": "Origin",
    }


def _preflight(event: LambdaEvent, headers: Mapping[str, str]) -> dict[str, str]:
    """Write the headers of a preflight response; none for an origin that is not listed."""
    if "Access-Control-Allow-Origin" not in headers:
        return {}
    return {
        "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": header(event, "access-control-request-headers")
        or _USUAL_HEADERS,
        "Access-Control-Max-Age": "3600",
    }


def _proxy(response: Response, headers: Mapping[str, str]) -> dict[str, Any]:
    all_headers = {**headers, **response.headers}
    if response.body:
        all_headers["Content-Type"] = response.content_type
    return {
        "statusCode": response.status,
        "multiValueHeaders": {name: [value] for name, value in all_headers.items()},
        "body": response.body,
        "isBase64Encoded": False,
    }


def _collected(live: StreamingResponse) -> dict[str, Any]:
    sink = Collected()
    live.write_to(sink)
    return {
        "statusCode": sink.status,
        "multiValueHeaders": {name: [value] for name, value in sink.headers.items()},
        "body": sink.body.decode(),
        "isBase64Encoded": False,
    }


def _not_found(name: str, path: str) -> Route:
    def handler(_event: LambdaEvent, _context: Context) -> Response:
        raise RouteNotFoundError(f"nothing is served at {name}")

    return Route(handler, partial(error_at, path))


def _failure(route: Route, error: Exception, request_id: str) -> Response:
    """Write a failure with the route's error writer, and with the default one if that fails."""
    known = _known(error)
    try:
        written = route.error(known, request_id)
    except Exception as fault:  # noqa: BLE001  # the last line: logged by place, never by words
        written = openai_error(_fault(fault), request_id)
    return Response(written.status, _json(written.body), written.headers)


def _known(error: Exception) -> ChatdError:
    if isinstance(error, ConfigError):
        return _misconfigured(error)
    return error if isinstance(error, ChatdError) else _fault(error)


def _misconfigured(error: ConfigError) -> InternalError:
    Telemetry().warn(str(error))
    return InternalError("the gateway's configuration holds a mistake; its log says which")


def _fault(fault: Exception) -> InternalError:
    Telemetry().warn(place_of(fault))
    return InternalError("a fault of the gateway's own; its log has the place")


def _json(body: Mapping[str, Any]) -> str:
    return compact(body)
