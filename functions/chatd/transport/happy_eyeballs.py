"""Connect to the first address of a host that answers, without a long wait for any address.

The next address is tried 250 ms after the last, or as soon as the last fails. The first connection
is taken and the rest are closed: https://www.rfc-editor.org/rfc/rfc8305. All of this runs in the
calling thread.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from chatd.deadline import Deadline
from chatd.transport.watchdog import Guard

# "Connection Attempt Delay": https://www.rfc-editor.org/rfc/rfc8305#section-8
NEXT_ADDRESS_SECONDS = 0.25


class Address(NamedTuple):
    """An address of a host: the family, and the argument of `connect`."""

    family: int
    sockaddr: Any


# Returns the addresses of a host and port, preferred ones first; raises OSError without any.
Resolver = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> list[Address]:
    """Resolve a host with the system's resolver, which sorts by RFC 6724.

    Raises:
        OSError: If the name does not resolve.
        UnicodeError: If the name is malformed.

    """
    resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [Address(family, sockaddr) for family, *_, sockaddr in resolved]


def alternated(addresses: Sequence[Address]) -> list[Address]:
    """Sort addresses so that families alternate, beginning with the family of the first.

    https://www.rfc-editor.org/rfc/rfc8305#section-4
    """
    families = list(dict.fromkeys(address.family for address in addresses))
    waiting = {
        family: deque(address for address in addresses if address.family == family)
        for family in families
    }
    order: list[Address] = []
    while any(waiting.values()):
        order += [queue.popleft() for queue in waiting.values() if queue]
    return order


def connect(
    addresses: Sequence[Address],
    prepare: Callable[[socket.socket], None],
    deadline: Deadline,
    guard: Guard,
) -> socket.socket:
    """Connect to one of the addresses.

    Args:
        addresses: The host's addresses; at least one.
        prepare: Sets the options of each socket before it connects.
        deadline: The deadline of the connection.
        guard: Ends the attempt when it fires, from any thread; holds the connected socket.

    Returns:
        The connected socket; its timeout is the time left until the deadline.

    Raises:
        TimeoutError: If the deadline passed, or the guard fired.
        OSError: If no address accepts a connection.

    """
    alarm, peer = socket.socketpair()
    with alarm, peer, selectors.DefaultSelector() as selector:
        # Shutting one socket of a pair wakes the selector; shutting a connecting socket may not.
        guard.watch(alarm)
        selector.register(alarm, selectors.EVENT_READ)
        race = _Race(addresses, prepare, selector)
        try:
            winner = race.run(deadline)
            winner.settimeout(max(deadline.left(), 0.001))
            guard.watch(winner)
            race.hand_over(winner)
        finally:
            race.close()
    return winner


class _Race:
    """Race connections to several addresses, and take the first."""

    def __init__(
        self,
        addresses: Sequence[Address],
        prepare: Callable[[socket.socket], None],
        selector: selectors.BaseSelector,
    ) -> None:
        self._waiting = deque(alternated(addresses))
        self._prepare = prepare
        self._selector = selector
        self._connecting: set[socket.socket] = set()
        self._next_at = 0.0
        self._failure = OSError(errno.EADDRNOTAVAIL, "no address")

    def run(self, deadline: Deadline) -> socket.socket:
        """Connect to the first address that answers; `close` also closes this connection."""
        while not deadline.spent:
            if self._waiting and time.monotonic() >= self._next_at:
                self._begin(self._waiting.popleft())
                continue
            if not self._connecting:
                raise self._failure
            left = deadline.left()
            if self._waiting:
                left = min(left, max(0.0, self._next_at - time.monotonic()))
            for key, _ in self._selector.select(left):
                sock = key.fileobj
                if not isinstance(sock, socket.socket) or sock not in self._connecting:
                    raise TimeoutError("the call was cancelled")
                if self._is_connected(sock):
                    return sock
        raise TimeoutError("no address answered in time")

    def hand_over(self, sock: socket.socket) -> None:
        """Hand a connection to the caller; `close` then keeps the connection open."""
        self._connecting.discard(sock)

    def close(self) -> None:
        """Close every connection that was not handed to the caller."""
        for sock in self._connecting:
            sock.close()
        self._connecting.clear()

    def _begin(self, address: Address) -> None:
        """Begin to connect to an address; after an immediate failure try the next at once."""
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
        except OSError as error:  # such as a family that this machine lacks
            self._failure, self._next_at = error, 0.0
            return
        self._connecting.add(sock)
        try:
            sock.settimeout(0)
            self._prepare(sock)
            with suppress(BlockingIOError):
                sock.connect(address.sockaddr)
            self._selector.register(sock, selectors.EVENT_WRITE)
        except OSError as error:
            self._drop(sock, error)
        else:
            self._next_at = time.monotonic() + NEXT_ADDRESS_SECONDS

    def _is_connected(self, sock: socket.socket) -> bool:
        """Whether the socket is connected; drop a failed one."""
        self._selector.unregister(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._drop(sock, OSError(code, "could not connect"))
            return False
        return True

    def _drop(self, sock: socket.socket, error: OSError) -> None:
        self._connecting.discard(sock)
        sock.close()
        self._failure = error
        self._next_at = 0.0
