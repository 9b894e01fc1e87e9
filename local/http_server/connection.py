"""Bound each HTTP connection in time, and the number of connections.

uvicorn waits without limit for the rest of a request and for a peer that does not read, and accepts
any number of connections. Here each wait has a limit. At the limit of connections, a new one closes
the connection that has waited longest for a request. Refusals have the gateway's error shape.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from http import HTTPStatus
from typing import Any, Literal

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from chatd.errors import ChatdError, InvalidRequestError, UpstreamOverloadedError
from chatd.surfaces import neutral_error
from local.http_server.connection_limits import ConnectionLimits
from local.http_server.request_parser import RequestParser

# Bytes of further requests that may wait behind the current request.
_PIPELINED = 64 * 1024

# States of a peer whose request is not complete. In other states, data is a further request.
_INCOMPLETE = (h11.IDLE, h11.SEND_BODY)

_Phase = Literal["head", "body"]


class ServerConfig(uvicorn.Config):
    """Extend uvicorn's configuration by the limits of `Connection`."""

    def __init__(self, app: Any, limits: ConnectionLimits, **more: Any) -> None:
        self.limits = limits
        super().__init__(app, http=Connection, timeout_keep_alive=limits.idle, **more)


class RequestTimeoutError(InvalidRequestError):
    """The request did not arrive within the limit of time."""

    status = 408
    default_code = "request_timeout"


class Connection(H11Protocol):
    """Serve one connection within its limits."""

    limits: ConnectionLimits
    _phase: _Phase | None = None
    _since = 0.0
    _phase_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    def __init__(self, config: ServerConfig, *rest: Any, **more: Any) -> None:
        super().__init__(config, *rest, **more)
        self.limits = config.limits
        self.conn = RequestParser()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Accept a connection; send 503 if the limit is reached and no other can be closed."""
        super().connection_made(transport)
        # pause_writing is called as soon as any data is unread.
        transport.set_write_buffer_limits(high=0)
        if len(self.connections) > self.limits.connections and not self._evict_one():
            self._refuse(UpstreamOverloadedError("Too many connections.", code="overloaded"))
        self._update_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        for timer in (self._phase_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse received data; keep reading, to detect a hang-up behind further requests."""
        super().data_received(data)
        self._update_timer()
        if self.flow.read_paused and self.conn.their_state not in _INCOMPLETE:
            if len(self.conn.trailing_data[0]) > _PIPELINED:
                self.transport.abort()
            else:
                self.flow.resume_reading()

    def on_response_complete(self) -> None:
        """Start the timer of the next request."""
        super().on_response_complete()
        self._update_timer()

    def pause_writing(self) -> None:
        """Start the timer of a peer that does not read."""
        super().pause_writing()
        self._start_unread_timer()

    def resume_writing(self) -> None:
        """Cancel the timer: the peer has read all data."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse a malformed request with 400."""
        self._refuse(InvalidRequestError(msg, code="not_http"))

    @property
    def eviction_rank(self) -> tuple[bool, float] | None:
        """Rank this connection for closing, lowest first; None while a request is being served."""
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.IDLE:
            return (False, self._since)
        if self._phase == "body" and self.loop.time() - self._since > self.limits.head:
            return (True, self._since)
        return None

    def _evict_one(self) -> bool:
        """Close the connection that has waited longest for a request; return whether one was."""
        others = (
            one for one in self.connections if isinstance(one, Connection) and one is not self
        )
        ranked = [(rank, one) for one in others if (rank := one.eviction_rank) is not None]
        if not ranked:
            return False
        min(ranked, key=lambda pair: pair[0])[1].transport.abort()
        return True

    def _update_timer(self) -> None:
        """Start the timer for the due part of a request, unless that timer already runs."""
        phase = self._phase_due()
        if phase == self._phase:
            return
        self._phase, self._since = phase, self.loop.time()
        if self._phase_timer is not None:
            self._phase_timer.cancel()
        if phase is not None:
            seconds = self.limits.head if phase == "head" else self.limits.body
            self._phase_timer = self.loop.call_later(seconds, self._on_timeout)

    def _phase_due(self) -> _Phase | None:
        if self.transport.is_closing():
            return None
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        # Between two requests uvicorn's own timer runs, until the first byte of the second.
        between = self.timeout_keep_alive_task is not None
        return "head" if self.conn.their_state is h11.IDLE and not between else None

    def _on_timeout(self) -> None:
        """Close the connection of a late request, with 408 if a part of the request arrived."""
        if self.transport.is_closing():
            return
        if self._phase == "head" and not self.conn.trailing_data[0]:
            self.transport.abort()  # no request has begun
            return
        self._refuse(RequestTimeoutError(f"The request's {self._phase} did not arrive in time."))

    def _refuse(self, error: ChatdError) -> None:
        """Send an error and close; the app that serves the request gets a disconnect message."""
        cycle = self.cycle
        if (
            cycle
            and cycle.response_started
            and not (cycle.response_complete and self._phase != "body")
        ):
            self.transport.abort()  # a response was started, or sent before the end of the body
            return
        request_id = str(uuid.uuid4())
        body = json.dumps(neutral_error(error, request_id).body).encode()
        lines = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"x-amzn-RequestId: {request_id}",
            f"x-request-id: {request_id}",
            f"request-id: {request_id}",
            *(f"{name}: {value}" for name, value in error.headers().items()),
            "Connection: close\r\n\r\n",
        )
        self.transport.write("\r\n".join(lines).encode() + body)
        self.transport.close()
        if cycle and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()

    def _start_unread_timer(self) -> None:
        """Close the connection if the peer reads no data within the limit."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        left = self.transport.get_write_buffer_size()
        self._unread_timer = self.loop.call_later(self.limits.unread, self._check_unread, left)

    def _check_unread(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._start_unread_timer()
        else:
            self.transport.abort()
