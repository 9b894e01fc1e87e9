"""Define the limits of a server's connections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of a server's connections; times are in seconds.

    Attributes:
        head: Time for a request's head, from the connection's start or the head's first byte.
        body: Time for the body, from the end of the head.
        idle: Time from a response to the next request.
        unread: Time in which the peer reads nothing of a response.
        connections: The number of connections at once.

    """

    head: float = 10
    body: float = 60
    idle: int = 75
    unread: float = 300
    connections: int = 1000
