"""Open the gateway's listening socket, and explain why an address is not available.

The socket is opened before any process is started.
"""

from __future__ import annotations

import errno
import socket

from local.http_server.request_guard import is_loopback
from local.http_server.server import listener
from local.options import Options, StartError


def listen(options: Options) -> socket.socket:
    """Open a listening socket at HOST and PORT.

    Raises:
        StartError: If the address is not available, or other machines could reach it without a
            caller key.

    """
    family, address = _resolve(options)
    if not options.caller_keys and not is_loopback(address[0]):
        raise StartError(
            f"HOST={options.host}: other machines could reach this address, so callers need a key;"
            " list keys in CHATD_CALLER_KEYS, or leave HOST at 127.0.0.1"
        )
    try:
        return listener(*address, family)
    except OSError as error:
        raise StartError(_bind_failure(error, options)) from None


def url_of(sock: socket.socket) -> str:
    """Return the URL at which programs on this machine reach the socket."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _resolve(options: Options) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise StartError(f"HOST={options.host!r}: is not a known host name or address") from None
    # IPv4 first: http://127.0.0.1 must work where localhost has both addresses.
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, (str(address[0]), options.port)


def _bind_failure(error: OSError, options: Options) -> str:
    where = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{where} is in use, perhaps by another gateway; stop it, or choose another port:"
            f" make run PORT={options.port + 1 if options.port < 65535 else 0}"  # noqa: PLR2004  # the last port
        )
    if error.errno == errno.EACCES:
        return f"{where}: this user may not listen there; choose a PORT above 1023"
    return f"{where}: cannot listen there: {error.strerror}"
