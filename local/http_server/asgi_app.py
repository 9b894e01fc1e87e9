"""Pass each HTTP request to its route's function, and write the function's response.

A request that API Gateway would refuse is refused here, with an error in the gateway's shape.
"""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from chatd.errors import (
    ChatdError,
    InternalError,
    MethodNotAllowedError,
    RouteNotFoundError,
    UpstreamError,
    one_of,
)
from chatd.surfaces import error_at
from local.http_server.proxy_integration import (
    HttpRequest,
    HttpResponse,
    MalformedResultError,
    to_event,
    to_response,
)
from local.http_server.request_bodies import RequestBodies, drain
from local.http_server.request_guard import RequestGuard, refuse_ambiguous_framing
from local.http_server.response_writer import ResponseWriter
from local.routes import Route
from local.workers.in_flight_requests import InFlightRequests
from local.workers.pool import WorkerPool

_log = logging.getLogger("chatd.local")


class WrongMethodError(MethodNotAllowedError):
    """The path has other methods, listed in `allowed`."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"This path accepts {one_of(allowed)}.")
        self.allowed = allowed

    def headers(self) -> dict[str, str]:
        """Name the allowed methods, as RFC 9110, 15.5.6 requires of a 405."""
        return {"Allow": ", ".join(self.allowed)}


@dataclass(frozen=True, slots=True)
class GatewayApp:
    """The ASGI app in front of the workers.

    Attributes:
        routes: The routes, the most specific first.
        pools: The workers of each function, by the function's name.
        guard: Admits or refuses requests.
        in_flight: The requests in flight with an `Idempotency-Key`.
        bodies: The bodies of the current requests.

    """

    routes: Sequence[Route]
    pools: Mapping[str, WorkerPool]
    guard: RequestGuard
    in_flight: InFlightRequests = field(default_factory=InFlightRequests)
    bodies: RequestBodies = field(default_factory=RequestBodies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request, request_id = Request(scope, receive), str(uuid.uuid4())
        writer = ResponseWriter(send, request_id)
        close = False
        try:
            response = await self._respond(request, writer)
        except ClientDisconnect:
            return
        except ChatdError as error:
            close = error.headers().get("Connection") == "close"
            response = self._error_response(error, request, request_id)
        except Exception:  # noqa: BLE001  # any failure becomes an error response
            _log.exception("request %s failed in the HTTP server", request_id)
            response = self._error_response(
                InternalError("Internal server error"), request, request_id
            )
        if response is not None:
            if writer.started:
                return  # a failed stream must not look complete
            await writer.write_response(response)
        if close:
            await drain(receive)
        await writer.finish()

    async def _respond(self, request: Request, writer: ResponseWriter) -> HttpResponse | None:
        """Return the response; None after a streamed response."""
        headers = request.headers.items()  # names in lower case, with repetitions
        refuse_ambiguous_framing(headers, request.scope["http_version"])
        path = request.scope["raw_path"].decode("latin-1")
        route = self._find_route(request.method, path)
        caller = self.guard.admit(headers, public=route.public)
        pool = self.pools[route.function.name]
        try:
            async with self.bodies.read(request) as body:
                http_request = _http_request(request, path, body)
                event = to_event(http_request, route, writer.request_id, caller=caller)
                in_flight = self.in_flight.begin(event)
                call = pool.invoke(event, writer.request_id, writer.write_part, in_flight)
                result = await _cancelled_on_hang_up(call, request)
            return None if writer.started else to_response(result)
        except MalformedResultError as error:
            _log.error("%s: malformed proxy result: %s", route.function.name, error)
            raise UpstreamError("Internal server error", code="internal_error") from None

    def _find_route(self, method: str, path: str) -> Route:
        matching = [route for route in self.routes if route.parameters(path) is not None]
        if not matching:
            served = one_of(dict.fromkeys(route.path for route in self.routes))
            raise RouteNotFoundError(f"Nothing is served at this path; there are {served}.")
        for route in matching:
            if method in route.methods:
                return route
        raise WrongMethodError(sorted({name for route in matching for name in route.methods}))

    def _error_response(self, error: ChatdError, request: Request, request_id: str) -> HttpResponse:
        """Return an error of the path's surface, which web pages of listed origins can read."""
        written = error_at(request.scope["path"], error, request_id)
        headers = {"Content-Type": "application/json", **error.headers(), **written.headers}
        origin = request.headers.get("origin")
        if self.guard.origins:
            headers["Vary"] = "Origin"  # also without an Origin: a cache must keep the two apart
        if origin is not None and self.guard.lists_origin(origin):
            headers["Access-Control-Allow-Origin"] = origin
        body = json.dumps(written.body).encode()
        return HttpResponse(written.status, tuple(headers.items()), body)


def _http_request(request: Request, path: str, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("latin-1"),
        headers=tuple(request.headers.items()),
        body=body,
        client=request.client.host if request.client else "",
    )


async def _cancelled_on_hang_up(call: Coroutine[Any, Any, Any], request: Request) -> Any:
    """Await `call`; cancel the call when the caller hangs up.

    Raises:
        ClientDisconnect: When the caller hangs up.

    """
    calling = asyncio.create_task(call)
    hung_up = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({calling, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if calling.done():
            return calling.result()
        raise ClientDisconnect
    finally:
        calling.cancel()
        hung_up.cancel()
