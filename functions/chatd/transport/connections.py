"""Connections whose sockets the watchdog holds from their first moment.

urllib3 gives a connection no way to know for which call it is used, so the call is kept beside the
thread that makes it. It knows sockets and limits, and nothing of what is sent.
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


class Call(threading.local):
    """The call that this thread is making.

    Attributes:
        resolve: Resolves the host's name.
        guard: The watchdog's hold on it.
        connect_by: When the connection must stand.
        silence: Seconds that the provider may then be silent.
        deadline: When the whole call must have ended.
        fresh: Whether it wants a new connection.
        reused: Whether it uses a connection that was kept.

    """

    resolve: Resolver
    guard: Guard
    connect_by: Deadline
    silence: float
    deadline: Deadline
    fresh: bool
    reused: bool

    def listen(self) -> None:
        """The connection stands: from now on the provider's silence counts."""
        self.guard.move(self.deadline.within(self.silence))


CALL = Call()


class _Guarded(HTTPConnection):
    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, and may be used again."""
        return not CALL.fresh and super().is_connected

    def connect(self) -> None:
        CALL.reused = False
        CALL.guard.move(CALL.connect_by)
        super().connect()
        # urllib3 would hold the sending of the request to the connect limit.
        self.sock.settimeout(CALL.deadline.left())
        CALL.listen()

    def _new_conn(self) -> socket.socket:
        # urllib3 gives every address of a name the whole connect timeout, one after the other.
        # https://github.com/urllib3/urllib3/blob/main/src/urllib3/util/connection.py
        try:
            addresses = CALL.resolve(self._dns_host, self.port)
        except (OSError, UnicodeError) as error:
            raise exceptions.NameResolutionError(self.host, self, socket.gaierror()) from error
        try:
            return connect(addresses, self._prepare, CALL.connect_by, CALL.guard)
        except TimeoutError:
            raise exceptions.ConnectTimeoutError(self, "") from None
        except OSError:
            raise exceptions.NewConnectionError(self, "") from None

    def _prepare(self, sock: socket.socket) -> None:
        for option in self.socket_options or ():
            sock.setsockopt(*option)

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            CALL.guard.hold(self.sock)
            CALL.listen()
            self.timeout = CALL.deadline.left()  # as above; it is set on the socket
        super().request(*args, **kwargs)
        CALL.listen()  # to send a long request is no silence of the provider's


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same over TLS."""

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, and the server has sent nothing behind its last answer.

        urllib3 looks at the socket alone, and what OpenSSL has decrypted already is not there.
        """
        return super().is_connected and not self.sock.pending()  # type: ignore[union-attr]  # an SSLSocket, where it is connected


class HttpPool(urllib3.HTTPConnectionPool):
    """Guarded connections to one host."""

    ConnectionCls: ClassVar[type[HTTPConnection]] = _Guarded  # type: ignore[misc]  # urllib3 types it an instance variable


class HttpsPool(urllib3.HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls: ClassVar[type[HTTPSConnection]] = _GuardedTls  # type: ignore[misc]  # as above
