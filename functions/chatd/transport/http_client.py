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

from chatd.config.provider import Timeouts
from chatd.deadline import Deadline
from chatd.errors import UpstreamError, UpstreamTimeoutError
from chatd.transport.connections import EXCHANGE, HttpPool, HttpsPool
from chatd.transport.failures import is_stale, to_upstream_error
from chatd.transport.happy_eyeballs import Resolver, resolve
from chatd.transport.http_stream import Urllib3Stream
from chatd.transport.stream_timeouts import StreamLimits
from chatd.transport.watchdog import Watchdog
from chatd.upstream_http import HttpRequest, HttpResponse

_IDLE_CONNECTIONS = 4
# More than a deployment has providers; each may have a handful of paths.
_MAX_URLS = 1024
# A kept connection that is lost later than this, in seconds, was not lost while it was idle.
_STALE_SECONDS = 5.0


# Receives a function that ends the exchange.
RegisterCancel = Callable[[Callable[[], None]], None]


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

    def note_first_event(self) -> None:
        """Note the first event: from now on the gap limit applies."""

    def note_end(self) -> None:
        """Note the end mark: any further bytes must arrive soon."""

    def close(self) -> None:
        """Release the connection."""


class Transport(Protocol):
    """Send requests to providers."""

    def send(
        self,
        request: HttpRequest,
        deadline: Deadline,
        connect: float,
        register_cancel: RegisterCancel = ...,
    ) -> HttpResponse:
        """Send a request and read the whole response."""

    def open(
        self,
        request: HttpRequest,
        deadline: Deadline,
        limits: Timeouts,
        register_cancel: RegisterCancel,
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
            num_pools=_MAX_URLS,
            maxsize=_IDLE_CONNECTIONS,
            cert_reqs="CERT_REQUIRED",
            retries=False,
        )
        self._pools.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}
        # The pool and path of each URL: URLs are few, and parsing one takes as long as a request.
        self._pool_of_url: dict[str, tuple[urllib3.HTTPConnectionPool, str]] = {}

    def forget(self) -> None:
        """Close the kept connections; no exchange may be running."""
        self._pool_of_url.clear()
        self._pools.clear()

    def send(
        self,
        request: HttpRequest,
        deadline: Deadline,
        connect: float,
        register_cancel: RegisterCancel = lambda _cancel: None,
    ) -> HttpResponse:
        """Send a request and read the whole response.

        Args:
            request: The request.
            deadline: The deadline of the last byte.
            connect: Seconds for the connection: all addresses and TLS together. The time of the
                resolver counts, but cannot be cut short.
            register_cancel: As for `open`.

        Raises:
            UpstreamTimeoutError: If the deadline or the connect limit passed.
            AnswerTooLargeError: If the answer exceeds 20 MB.
            UpstreamError: If the provider could not be reached, or closed the connection early.

        """
        seconds_left = deadline.left()
        limits = Timeouts(
            connect=connect,
            silence=seconds_left,
            first_event=seconds_left,
            gap=seconds_left,
            total=seconds_left,
        )
        stream = self.open(request, deadline, limits, register_cancel)
        try:
            return replace(stream.response, body=b"".join(stream.chunks()))
        finally:
            stream.close()

    def open(
        self,
        request: HttpRequest,
        deadline: Deadline,
        limits: Timeouts,
        register_cancel: RegisterCancel,
    ) -> Urllib3Stream:
        """Send a request and read the head of its response.

        Args:
            request: The request.
            deadline: The deadline of the last byte.
            limits: The limit of each step, in seconds.
            register_cancel: Called before the request is sent, with a function that ends the
                exchange from any thread.

        Raises:
            UpstreamTimeoutError: If one of the limits passed.
            UpstreamError: If the provider could not be reached, or closed the connection early.

        """
        if deadline.spent:
            raise UpstreamTimeoutError("the time for this request is spent")
        clock = StreamLimits(deadline, limits)
        guard = self._watchdog.guard(deadline)
        register_cancel(guard.abort)
        if guard.fired:
            guard.end()
            raise UpstreamError("the call was cancelled before anything was sent")
        EXCHANGE.resolve, EXCHANGE.guard, EXCHANGE.deadline = self._resolver, guard, deadline
        EXCHANGE.silence = min(limits.silence, limits.first_event)
        EXCHANGE.connect_by = deadline.within(limits.connect)
        try:
            raw = self._send_with_reconnect(request, deadline, limits)
        except (exceptions.HTTPError, OSError, ValueError) as error:
            connecting = guard.deadline is EXCHANGE.connect_by
            guard.end()
            raise to_upstream_error(error, guard, deadline, connecting=connecting) from None
        except BaseException:
            guard.end()
            raise
        clock.end_wait()
        return Urllib3Stream(raw, guard, clock)

    def _send_with_reconnect(
        self, request: HttpRequest, deadline: Deadline, limits: Timeouts
    ) -> urllib3.BaseHTTPResponse:
        """Send a request on a kept connection or a new one; on a new one if the kept one is stale.

        A server may close an idle connection at any time, and so just when a request is sent:
        https://www.rfc-editor.org/rfc/rfc9112#section-9.3.1. The request then has no answer, and
        neither the provider nor the caller is at fault.
        """
        EXCHANGE.fresh, EXCHANGE.reused = False, True
        stale_by = Deadline.after(_STALE_SECONDS)
        try:
            return self._send_once(request, deadline)
        except exceptions.ProtocolError as error:
            stale = EXCHANGE.reused and not stale_by.spent and is_stale(error)
            if not stale or EXCHANGE.guard.fired:
                raise
        EXCHANGE.fresh = True
        EXCHANGE.connect_by = deadline.within(limits.connect)
        return self._send_once(request, deadline)

    def _send_once(self, request: HttpRequest, deadline: Deadline) -> urllib3.BaseHTTPResponse:
        pool, path = self._pool_and_path(request.url)
        return pool.urlopen(
            request.method,
            path,
            body=request.body,
            headers=request.headers,
            timeout=urllib3.Timeout(connect=EXCHANGE.connect_by.left(), read=deadline.left()),
            redirect=False,
            retries=False,
            preload_content=False,
        )

    def _pool_and_path(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        """Return the pool of the URL's host, and the path."""
        pool_and_path = self._pool_of_url.get(url)
        if pool_and_path is None:
            if len(self._pool_of_url) >= _MAX_URLS:
                self._pool_of_url.clear()
            pool_and_path = self._pools.connection_from_url(url), parse_url(url).request_uri
            self._pool_of_url[url] = pool_and_path
        return pool_and_path
