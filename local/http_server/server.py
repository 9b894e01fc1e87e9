"""Serve an ASGI app on a socket until a signal stops it.

uvicorn's own signal handling ends the process by the signal; ours ends it in order, so that the
workers are let go first.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from local.http_server.connection import ConnectionLimits, ServerConfig
from local.http_server.log_throttle import handle_exception

# Connections that wait in the kernel; asyncio accepts as many at a time.
_BACKLOG = 256
# Descriptors for the process itself, its log, its event loop and its listening sockets.
_OWN_DESCRIPTORS = 64
# Descriptors to ask for, where the soft limit is lower and the hard one allows it.
_WANTED_DESCRIPTORS = 4096
_MIN_CONNECTIONS = 16
_DEFAULT_LIMITS = ConnectionLimits()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handlers: `stop_signal` does."""
        yield


def listener(host: str, port: int, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one.

    asyncio switches Nagle's delay off only where the socket says that it is TCP, and a socket of
    `socket.create_server` does not: small answers would take 40 ms more.
    https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py (_set_nodelay)

    Raises:
        OSError: When the address cannot be bound.

    """
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Or a second start would have to wait for the connections of the first to be forgotten.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock


@contextlib.asynccontextmanager
async def serving(
    app: Any, sock: socket.socket, limits: ConnectionLimits = _DEFAULT_LIMITS
) -> AsyncIterator[None]:
    """Serve `app` on `sock` within the block; at its end, connections are closed."""
    asyncio.get_running_loop().set_exception_handler(handle_exception)
    config = ServerConfig(
        app,
        limits,
        backlog=_BACKLOG,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # The peer is the connection's, not one that a header names.
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def connection_limit(others: int) -> int:
    """Compute the most connections that leave enough file descriptors for the rest.

    Args:
        others: Descriptors needed for other things, such as worker processes.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (
        _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_DESCRIPTORS)
    )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # then it stays as the user has it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    free = (
        (_WANTED_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft)
        - _OWN_DESCRIPTORS
        - _BACKLOG
        - others
    )
    return max(_MIN_CONNECTIONS, min(_DEFAULT_LIMITS.connections, free))


def stop_signal() -> asyncio.Event:
    """Return an event that Ctrl-C or SIGTERM sets."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
