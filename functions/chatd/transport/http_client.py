"""Send an HTTP request to a provider, within its limits of time.

This is the only module that sends to providers. It follows no redirect, always verifies TLS, reads
at most 20 MB of an answer, and repeats a request only if a kept connection was stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

import urllib3
from urllib3 import exceptions
from urllib3.util import parse_url

from chatd.config.catalog import Timeouts
from chatd.deadline import Deadline
from chatd.errors import UpstreamError, UpstreamTimeoutError
from chatd.transport.connections import CALL, HttpPool, HttpsPool
from chatd.transport.failures import failure, is_stale
from chatd.transport.happy_eyeballs import Resolver, resolve
from chatd.transport.http_stream import Urllib3Stream
from chatd.transport.stream_limits import StreamLimits
from chatd.transport.watchdog import Watchdog
from chatd.upstream_http import HttpRequest, HttpResponse

_IDLE_CONNECTIONS = 4
# More than a deployment has providers; each may have a handful of paths.
_MOST_PLACES = 1024
# A kept connection that is lost later than this, in seconds, was not lost while it was idle.
_STALE_SECONDS = 5.0


# Receives a function that ends the exchange.
Started = Callable[[Callable[[], None]], None]


class UpstreamStream(Protocol):
    """A response with a body that arrives in chunks."""

    @property
    def response(self) -> HttpResponse:
        """The head of the response; the body is empty."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the decoded body piece by piece on arrival.

        Raises:
            UpstreamTimeoutError: If a limit passed.
            AnswerTooLargeError: If the answer exceeds 20 MB.
            UpstreamError: If the provider closed the connection early.

        """

    @property
    def caller_was_slow(self) -> bool:
        """Whether the caller held chunks so long that the provider may have stopped writing."""

    def begun(self) -> None:
        """Note the first event: from now on the gap limit applies."""

    def ended(self) -> None:
        """Note the end mark: any further bytes must arrive soon."""

    def close(self) -> None:
        """Release the connection."""


class Transport(Protocol):
    """Send requests to providers."""

    def send(
        self, request: HttpRequest, deadline: Deadline, connect: float, started: Started = ...
    ) -> HttpResponse:
        """Send a request and read the whole response."""

    def open(
        self, request: HttpRequest, deadline: Deadline, limits: Timeouts, started: Started
    ) -> UpstreamStream:
        """Send a request and read the head of its response."""


class Urllib3Transport:
    """A transport over urllib3, with pools of kept connections.

    Args:
        resolver: Resolves the names of hosts.

    """

    def __init__(self, resolver: Resolver = resolve) -> None:
        self._resolver = resolver
        self._watchdog = Watchdog()
        self._pools = urllib3.PoolManager(
            num_pools=_MOST_PLACES,
            maxsize=_IDLE_CONNECTIONS,
            cert_reqs="CERT_REQUIRED",
            retries=False,
        )
        self._pools.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
        # The pool and path of each URL: URLs are few, and parsing one takes as long as a request.
        self._places: dict[str, tuple[urllib3.HTTPConnectionPool, str]] = {}

    def forget(self) -> None:
        """Close the kept connections; no exchange may be running."""
        self._places.clear()
        self._pools.clear()

    def send(
        self,
        request: HttpRequest,
        deadline: Deadline,
        connect: float,
        started: Started = lambda _break_off: None,
    ) -> HttpResponse:
        """Send a request and read the whole response.

        Args:
            request: The request.
            deadline: The deadline of the last byte.
            connect: Seconds for the connection: all addresses and TLS together. The time of the
                resolver counts, but cannot be cut short.
            started: As for `open`.

        Raises:
            UpstreamTimeoutError: If the deadline or the connect limit passed.
            AnswerTooLargeError: If the answer exceeds 20 MB.
            UpstreamError: If the provider could not be reached, or closed the connection early.

        """
        left = deadline.left()
        limits = Timeouts(connect=connect, silence=left, first_event=left, gap=left, total=left)
        stream = self.open(request, deadline, limits, started)
        try:
            return replace(stream.response, body=b"".join(stream.chunks()))
        finally:
            stream.close()

    def open(
        self, request: HttpRequest, deadline: Deadline, limits: Timeouts, started: Started
    ) -> Urllib3Stream:
        """Send a request and read the head of its response.

        Args:
            request: The request.
            deadline: The deadline of the last byte.
            limits: The limit of each step, in seconds.
            started: Called before anything is sent, with a function that ends the exchange from
                any thread.

        Raises:
            UpstreamTimeoutError: If one of the limits passed.
            UpstreamError: If the provider could not be reached, or closed the connection early.

        """
        if deadline.spent:
            raise UpstreamTimeoutError("the time for this request is spent")
        clock = StreamLimits(deadline, limits)
        guard = self._watchdog.guard(deadline)
        started(guard.abort)
        if guard.fired:
            guard.end()
            raise UpstreamError("the call was cancelled before anything was sent")
        CALL.resolve, CALL.guard, CALL.deadline = self._resolver, guard, deadline
        CALL.silence = min(limits.silence, limits.first_event)
        CALL.connect_by = deadline.within(limits.connect)
        try:
            raw = self._exchanged(request, deadline, limits)
        except (exceptions.HTTPError, OSError, ValueError) as error:
            connecting = guard.deadline is CALL.connect_by
            guard.end()
            raise failure(error, guard, deadline, connecting=connecting) from None
        except BaseException:
            guard.end()
            raise
        clock.hold()
        return Urllib3Stream(raw, guard, clock)

    def _exchanged(
        self, request: HttpRequest, deadline: Deadline, limits: Timeouts
    ) -> urllib3.BaseHTTPResponse:
        """Send a request on a kept connection or a new one; on a new one if the kept one is stale.

        A server may close an idle connection at any time, and so just when a request is sent:
        https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1. The request then has no answer, and
        neither the provider nor the caller is at fault.
        """
        CALL.fresh, CALL.reused = False, True
        stale_by = Deadline.after(_STALE_SECONDS)
        try:
            return self._sent(request, deadline)
        except exceptions.ProtocolError as error:
            stale = CALL.reused and not stale_by.spent and is_stale(error)
            if not stale or CALL.guard.fired:
                raise
        CALL.fresh = True
        CALL.connect_by = deadline.within(limits.connect)
        return self._sent(request, deadline)

    def _sent(self, request: HttpRequest, deadline: Deadline) -> urllib3.BaseHTTPResponse:
        pool, path = self._place(request.url)
        return pool.urlopen(
            request.method,
            path,
            body=request.body,
            headers=request.headers,
            timeout=urllib3.Timeout(connect=CALL.connect_by.left(), read=deadline.left()),
            redirect=False,
            retries=False,
            preload_content=False,
        )

    def _place(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        """Return the pool of the URL's host, and the path."""
        place = self._places.get(url)
        if place is None:
            if len(self._places) >= _MOST_PLACES:
                self._places.clear()
            place = self._pools.connection_from_url(url), parse_url(url).request_uri
            self._places[url] = place
        return place
