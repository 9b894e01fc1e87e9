"""Map the exceptions of an HTTP exchange to errors for the caller."""

from __future__ import annotations

from http.client import BadStatusLine, HTTPException

from urllib3 import exceptions

from chatd.deadline import Deadline
from chatd.errors import UpstreamError, UpstreamTimeoutError
from chatd.transport.watchdog import Guard

# The exceptions of urllib3, the more precise first, and the text for the caller: never the
# exception's own message, which can quote the request.
_FAILURES: tuple[tuple[type[Exception], type[UpstreamError], str], ...] = (
    (exceptions.NameResolutionError, UpstreamError, "its host name does not resolve"),
    (exceptions.NewConnectionError, UpstreamError, "nothing answers at its address"),
    (exceptions.ConnectTimeoutError, UpstreamTimeoutError, "no connection could be made in time"),
    (exceptions.SSLError, UpstreamError, "its TLS certificate or handshake is invalid"),
    (exceptions.TimeoutError, UpstreamTimeoutError, "no answer came in time"),
    (exceptions.DecodeError, UpstreamError, "its answer is not in the encoding that it names"),
    (exceptions.ProtocolError, UpstreamError, "the connection was lost before the answer ended"),
    (HTTPException, UpstreamError, "the connection was lost before the answer ended"),
    (OSError, UpstreamError, "the connection was lost before the answer ended"),
)
_UNREACHABLE = (
    exceptions.NameResolutionError,
    exceptions.NewConnectionError,
    exceptions.ConnectTimeoutError,
    exceptions.SSLError,
)


def timeout_error(*, connecting: bool = False) -> UpstreamTimeoutError:
    """Make the error for an exchange past its limit of time.

    Args:
        connecting: Whether the connection was not made yet.

    """
    if connecting:
        error = UpstreamTimeoutError("no connection could be made within the limit of time")
        error.unreachable = True
        return error
    return UpstreamTimeoutError("no answer, or no more of it, came within the limit of time")


def is_stale(error: exceptions.ProtocolError) -> bool:
    """Whether a kept connection was lost, or held stray bytes, before any answer."""
    return isinstance(error.__context__, ConnectionError | BadStatusLine)


def to_upstream_error(
    error: Exception, guard: Guard, deadline: Deadline, *, connecting: bool = False
) -> UpstreamError:
    """Map an exception of urllib3 or of a socket to an error.

    Args:
        error: The exception.
        guard: The guard of the exchange.
        deadline: The deadline of the current step.
        connecting: Whether the connection was not made yet.

    """
    if guard.fired or deadline.spent:
        return timeout_error(connecting=connecting)
    for exception_class, error_class, message in _FAILURES:
        if isinstance(error, exception_class):
            mapped = error_class(message)
            mapped.unreachable = isinstance(error, _UNREACHABLE)
            return mapped
    return UpstreamError(f"the exchange failed ({type(error).__name__})")
