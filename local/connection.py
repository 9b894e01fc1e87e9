"""One HTTP connection of the front: uvicorn's, with limits of time and number.

uvicorn waits for ever for the rest of a request, for a peer that does not read, and takes as many
connections as there are. Here each wait has an end, and at the limit the connection that has waited
longest without a request makes room. A refusal has the shape of every error of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from chatd.errors import ChatdError, InvalidRequestError, UpstreamOverloadedError

# Bytes of further requests that may wait behind the one that is served.
_PIPELINED = 64 * 1024

_Phase = Literal["head", "body"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a connection may wait for its peer, in seconds, and how many there may be.

    Attributes:
        head: For a request's head, from the connection's start or the head's first byte.
        body: For the body, from the end of the head.
        idle: For the next request after an answer.
        unread: While the peer reads nothing of what is sent.
        connections: How many connections there may be at once.

    """

    head: float = 10
    body: float = 60
    idle: int = 75
    unread: float = 300
    connections: int = 1000


class Config(uvicorn.Config):
    """uvicorn's configuration, and the limits that `Connection` reads."""

    def __init__(self, app: Any, limits: Limits, **more: Any) -> None:
        self.limits = limits
        super().__init__(app, http=Connection, timeout_keep_alive=limits.idle, **more)


class RequestTimeoutError(InvalidRequestError):
    """The request did not arrive in time."""

    status = 408
    default_code = "request_timeout"


class Connection(H11Protocol):
    """A connection that ends when its peer lets it wait too long."""

    limits: Limits
    _phase: _Phase | None = None
    _since = 0.0
    _timer: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take a new connection, or refuse it where there are too many and none can go."""
        super().connection_made(transport)
        self.limits = cast("Config", self.config).limits
        # pause_writing is called as soon as the peer lets anything wait.
        transport.set_write_buffer_limits(high=0)
        if len(self.connections) > self.limits.connections and not self._make_room():
            self._refuse(UpstreamOverloadedError("Too many connections.", code="overloaded"))
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the timers."""
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the peer sent, and go on reading, or its hang-up would not be noticed."""
        super().data_received(data)
        self._watch()
        if self.conn.their_state is h11.DONE and self.flow.read_paused:
            if len(self.conn.trailing_data[0]) > _PIPELINED:
                self.transport.abort()
            else:
                self.flow.resume_reading()

    def on_response_complete(self) -> None:
        """Watch for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Watch whether the peer reads."""
        super().pause_writing()
        self._watch_unread()

    def resume_writing(self) -> None:
        """Stop watching: the peer has read all."""
        if self._unread is not None:
            self._unread.cancel()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(InvalidRequestError(msg, code="not_http"))

    @property
    def evictable(self) -> tuple[bool, float] | None:
        """How soon this connection makes room for another, the smallest first; None: not at all."""
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.IDLE:
            return (False, self._since)
        if self._phase == "body" and self.loop.time() - self._since > self.limits.head:
            return (True, self._since)
        return None

    def _make_room(self) -> bool:
        """End the connection that has waited longest for its request; whether there was one."""
        others = (
            one for one in self.connections if isinstance(one, Connection) and one is not self
        )
        ranked = [(rank, one) for one in others if (rank := one.evictable) is not None]
        if not ranked:
            return False
        min(ranked, key=lambda pair: pair[0])[1].transport.abort()
        return True

    def _watch(self) -> None:
        """Set the limit for what the peer is to send next; one that runs already goes on."""
        phase = self._awaited_phase()
        if phase == self._phase:
            return
        self._phase, self._since = phase, self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        if phase is not None:
            seconds = self.limits.head if phase == "head" else self.limits.body
            self._timer = self.loop.call_later(seconds, self._late)

    def _awaited_phase(self) -> _Phase | None:
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        # Between two requests uvicorn's own timer runs, until the first byte of the next.
        between = self.timeout_keep_alive_task is not None
        return "head" if self.conn.their_state is h11.IDLE and not between else None

    def _late(self) -> None:
        """End a connection whose request has not come in time, and say so if it has begun."""
        if self.transport.is_closing():
            return
        if self._phase == "head" and not self.conn.trailing_data[0]:
            self.transport.abort()  # it never began: there is nothing to answer
            return
        self._refuse(RequestTimeoutError(f"The request's {self._phase} did not arrive in time."))

    def _refuse(self, error: ChatdError) -> None:
        """Answer with an error and close; the app, if it has the request, sees a hang-up."""
        cycle = self.cycle
        if (
            cycle
            and cycle.response_started
            and not (cycle.response_complete and self._phase != "body")
        ):
            self.transport.abort()  # an answer is under way, or was given to what still comes in
            return
        request_id = str(uuid.uuid4())
        body = json.dumps(error.body(request_id)).encode()
        lines = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"x-amzn-RequestId: {request_id}",
            f"x-request-id: {request_id}",
            *(f"{name}: {value}" for name, value in error.headers().items()),
            "Connection: close\r\n\r\n",
        )
        self.transport.write("\r\n".join(lines).encode() + body)
        self.transport.close()
        if cycle and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _watch_unread(self) -> None:
        """End the connection if its peer reads nothing for too long."""
        if self._unread is not None:
            self._unread.cancel()
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.limits.unread, self._check_unread, left)

    def _check_unread(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_unread()
        else:
            self.transport.abort()
