"""Connect to providers, with each socket under the watchdog from its start.

urllib3 does not pass the current exchange to a connection, so the exchange is kept in a variable of
its thread.
"""

from __future__ import annotations

import socket
import threading
from typing import Any, ClassVar

import urllib3
from urllib3 import exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from chatd.deadline import Deadline
from chatd.transport.happy_eyeballs import Resolver, connect
from chatd.transport.watchdog import Guard


class ThreadExchange(threading.local):
    """The exchange of this thread.

    Attributes:
        resolve: Resolves the host's name.
        guard: The watchdog's guard of the exchange.
        connect_by: The deadline of the connection.
        silence: Seconds of silence that the provider may then take.
        deadline: The deadline of the whole exchange.
        fresh: Whether a new connection is required.
        reused: Whether the exchange uses a kept connection.

    """

    resolve: Resolver
    guard: Guard
    connect_by: Deadline
    silence: float
    deadline: Deadline
    fresh: bool
    reused: bool

    def start_silence_limit(self) -> None:
        """Start the limit of silence: the connection is made."""
        self.guard.move(self.deadline.within(self.silence))


EXCHANGE = ThreadExchange()


class _Guarded(HTTPConnection):
    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and may be used again."""
        return not EXCHANGE.fresh and super().is_connected

    def connect(self) -> None:
        EXCHANGE.reused = False
        EXCHANGE.guard.move(EXCHANGE.connect_by)
        super().connect()
        # Without this, urllib3 would apply the connect limit to sending the request.
        self.sock.settimeout(EXCHANGE.deadline.left())
        EXCHANGE.start_silence_limit()

    def _new_conn(self) -> socket.socket:
        # urllib3 gives each address of a name the whole connect timeout, one after another.
        # https://github.com/urllib3/urllib3/blob/main/src/urllib3/util/connection.py
        try:
            addresses = EXCHANGE.resolve(self._dns_host, self.port)
        except (OSError, UnicodeError) as error:
            raise exceptions.NameResolutionError(self.host, self, socket.gaierror()) from error
        try:
            return connect(addresses, self._prepare, EXCHANGE.connect_by, EXCHANGE.guard)
        except TimeoutError:
            raise exceptions.ConnectTimeoutError(self, "") from None
        except OSError:
            raise exceptions.NewConnectionError(self, "") from None

    def _prepare(self, sock: socket.socket) -> None:
        for option in self.socket_options or ():
            sock.setsockopt(*option)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            EXCHANGE.guard.watch(self.sock)
            EXCHANGE.start_silence_limit()
            self.timeout = EXCHANGE.deadline.left()  # as above; it is set on the socket
        super().request(*args, **kwargs)
        EXCHANGE.start_silence_limit()  # sending a long request is not a silence of the provider


class _GuardedTls(_Guarded, HTTPSConnection):
    """Guarded connections over TLS."""

    @property
    def is_connected(self) -> bool:
        """Whether the connection is open and no bytes follow the last response.

        urllib3 checks the socket alone, which does not show bytes that OpenSSL has decrypted.
        """
        return super().is_connected and not self.sock.pending()  # type: ignore[union-attr]  # an SSLSocket, where it is connected


class HttpPool(urllib3.HTTPConnectionPool):
    """Guarded connections to one host."""

    ConnectionCls: ClassVar[type[HTTPConnection]] = _Guarded  # type: ignore[misc]  # urllib3 types it an instance variable


class HttpsPool(urllib3.HTTPSConnectionPool):
    """Guarded connections over TLS to one host."""

    ConnectionCls: ClassVar[type[HTTPSConnection]] = _GuardedTls  # type: ignore[misc]  # as above
