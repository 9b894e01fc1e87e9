"""The one place that sends: an HTTP request to a provider, within a deadline.

It knows URLs, sockets and time, and nothing of dialects. It never retries, never follows a
redirect, always verifies TLS, and reads no more of an answer than it must.
"""

from __future__ import annotations

import socket
import threading
from typing import Any, ClassVar, Protocol

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection

from chatd.deadline import Deadline
from chatd.errors import AnswerTooLargeError, UpstreamError, UpstreamTimeoutError
from chatd.watchdog import Guard, Watchdog
from chatd.wire.http import HttpRequest, HttpResponse

MAX_ANSWER_BYTES = 20 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_IDLE_CONNECTIONS = 4


class Transport(Protocol):
    """What the gateway needs of a transport."""

    def send(self, request: HttpRequest, deadline: Deadline, connect: float) -> HttpResponse:
        """Send a request and read the whole response."""


class _Call(threading.local):
    """The call that this thread is making: urllib3 gives a connection no other way to know."""

    guard: Guard
    connect_by: Deadline
    deadline: Deadline


_call = _Call()


class _Guarded(HTTPConnection):
    """A connection whose socket the watchdog holds from its first moment."""

    def connect(self) -> None:
        _call.guard.move(_call.connect_by)
        super().connect()
        _call.guard.move(_call.deadline)

    def _new_conn(self) -> socket.socket:
        # urllib3 gives every address of a name the whole connect timeout; here they share it.
        # https://github.com/urllib3/urllib3/blob/main/src/urllib3/util/connection.py
        for address in self._addresses():
            try:
                sock = create_connection(
                    (address, self.port),
                    timeout=max(_call.connect_by.left(), 0.001),
                    socket_options=self.socket_options,
                )
            except TimeoutError:
                raise exceptions.ConnectTimeoutError(self, "") from None
            except OSError:
                continue
            _call.guard.hold(sock)
            return sock
        raise exceptions.NewConnectionError(self, "")

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise exceptions.NameResolutionError(self.host, self, socket.gaierror()) from error
        return [str(address[0]) for *_, address in found]

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            _call.guard.hold(self.sock)
        super().request(*args, **kwargs)


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same over TLS."""


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls: ClassVar[type[HTTPConnection]] = _Guarded  # type: ignore[misc]  # urllib3 types it an instance variable


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls: ClassVar[type[HTTPSConnection]] = _GuardedTls  # type: ignore[misc]  # as above


class Urllib3Transport:
    """A transport over urllib3, with one pool that keeps connections alive."""

    def __init__(self) -> None:
        self._watchdog = Watchdog()
        self._pools = urllib3.PoolManager(
            maxsize=_IDLE_CONNECTIONS, cert_reqs="CERT_REQUIRED", retries=False
        )
        self._pools.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def send(self, request: HttpRequest, deadline: Deadline, connect: float) -> HttpResponse:
        """Send a request and read the whole response.

        Args:
            request: What to send.
            deadline: When the last byte must have come.
            connect: Seconds for the connection to stand: all addresses and TLS together. The
                time that the resolver takes for a name counts, but cannot be cut short.

        Raises:
            UpstreamTimeoutError: If the deadline or the connect limit passed.
            AnswerTooLargeError: If more than 20 MB came.
            UpstreamError: If the provider could not be reached, or broke off.

        """
        connect_by = deadline.within(connect)
        with self._watchdog.guard(deadline) as guard:
            _call.guard, _call.connect_by, _call.deadline = guard, connect_by, deadline
            try:
                response = self._exchange(request, deadline, connect_by)
            except (exceptions.HTTPError, OSError, ValueError) as error:
                if guard.fired or deadline.spent:
                    raise _too_slow(connecting=guard.deadline is connect_by) from None
                raise _failure(error) from None
            if guard.fired:  # a shut socket can look like the end of the answer
                raise _too_slow(connecting=False)
            return response

    def _exchange(
        self, request: HttpRequest, deadline: Deadline, connect_by: Deadline
    ) -> HttpResponse:
        if deadline.spent:
            raise _too_slow(connecting=False)
        response = self._pools.urlopen(
            "POST",
            request.url,
            body=request.body,
            headers=request.headers,
            timeout=urllib3.Timeout(connect=connect_by.left(), read=deadline.left()),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        try:
            body = _read(response)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status, headers, body)


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    body = bytearray()
    for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise AnswerTooLargeError(
                f"the answer is larger than {MAX_ANSWER_BYTES // 1024 // 1024} MB"
            )
    return bytes(body)


def _too_slow(*, connecting: bool) -> UpstreamTimeoutError:
    if connecting:
        return UpstreamTimeoutError("no connection could be made in the time there is for it")
    return UpstreamTimeoutError("no whole answer came in the time there was for it")


# What urllib3 raises, the more precise first, and what a caller may know of it: never its own
# words, which can hold what was sent.
_FAILURES: tuple[tuple[type[Exception], type[UpstreamError], str], ...] = (
    (exceptions.NameResolutionError, UpstreamError, "its host name does not resolve"),
    (exceptions.NewConnectionError, UpstreamError, "nothing answers at its address"),
    (exceptions.ConnectTimeoutError, UpstreamTimeoutError, "no connection could be made in time"),
    (exceptions.SSLError, UpstreamError, "its TLS certificate or handshake is not in order"),
    (exceptions.TimeoutError, UpstreamTimeoutError, "no whole answer came in time"),
    (exceptions.DecodeError, UpstreamError, "its answer is not in the encoding that it names"),
    (exceptions.ProtocolError, UpstreamError, "the connection was lost before the answer ended"),
)


def _failure(error: Exception) -> UpstreamError:
    for raised, becomes, words in _FAILURES:
        if isinstance(error, raised):
            return becomes(words)
    return UpstreamError(f"the exchange failed ({type(error).__name__})")
