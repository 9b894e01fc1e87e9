"""Serve an ASGI app on a socket until a signal.

uvicorn's signal handler ends the process at once. `stop_signal` sets an event instead, so that the
parts of the gateway stop in order.
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

from local.http_server.connection import ServerConfig
from local.http_server.connection_limits import ConnectionLimits
from local.http_server.log_throttle import handle_exception

# Connections that wait in the kernel; asyncio accepts so many at once.
_BACKLOG = 256
# Descriptors for the process, its log, its event loop and its listening sockets.
_OWN_DESCRIPTORS = 64
# The soft limit of descriptors to set, if it is lower and the hard limit allows it.
_WANTED_DESCRIPTORS = 4096
_MIN_CONNECTIONS = 16
_DEFAULT_LIMITS = ConnectionLimits()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers; `stop_signal` does."""
        yield


def listener(host: str, port: int, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """Open a listening TCP socket; port 0 takes a free port.

    asyncio sets TCP_NODELAY only on sockets whose protocol is TCP, which `socket.create_server`
    does not set. Without TCP_NODELAY small responses take 40 ms more.
    https://github.com/python/cpython/blob/3.13/Lib/asyncio/base_events.py (_set_nodelay)

    Raises:
        OSError: If the address cannot be bound.

    """
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without it, a second start would wait for connections in TIME_WAIT.
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
    """Serve `app` on `sock` within the block; close all connections at its end."""
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
        # The client address is the connection's, not a header's.
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
    """Compute the number of connections that leaves enough file descriptors for other uses.

    Args:
        others: Descriptors needed for other uses, such as worker processes.

    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (
        _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_DESCRIPTORS)
    )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # the limit stays unchanged
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
    """Return an event that is set by Ctrl-C or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
