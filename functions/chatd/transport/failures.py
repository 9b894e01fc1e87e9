"""Turn the errors of an HTTP exchange into failures that a caller may see."""

from __future__ import annotations

from http.client import BadStatusLine, HTTPException

from urllib3 import exceptions

from chatd.deadline import Deadline
from chatd.errors import UpstreamError, UpstreamTimeoutError
from chatd.transport.watchdog import Guard

# What urllib3 raises, the more precise first, and what a caller may know of it: never its own
# words, which can hold what was sent.
_FAILURES: tuple[tuple[type[Exception], type[UpstreamError], str], ...] = (
    (exceptions.NameResolutionError, UpstreamError, "its host name does not resolve"),
    (exceptions.NewConnectionError, UpstreamError, "nothing answers at its address"),
    (exceptions.ConnectTimeoutError, UpstreamTimeoutError, "no connection could be made in time"),
    (exceptions.SSLError, UpstreamError, "its TLS certificate or handshake is not in order"),
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


def too_slow(*, connecting: bool = False) -> UpstreamTimeoutError:
    """The failure of an exchange whose time is up.

    Args:
        connecting: Whether no connection stood yet.

    """
    if connecting:
        error = UpstreamTimeoutError("no connection could be made in the time there is for it")
        error.unreachable = True
        return error
    return UpstreamTimeoutError("no answer, or no more of it, came in the time there was for it")


def is_stale(error: exceptions.ProtocolError) -> bool:
    """Whether a kept connection was lost, or held bytes that are no answer, before any answer."""
    return isinstance(error.__context__, ConnectionError | BadStatusLine)


def failure(
    error: Exception, guard: Guard, deadline: Deadline, *, connecting: bool = False
) -> UpstreamError:
    """The failure that an error of urllib3's, or of a socket, amounts to.

    Args:
        error: What was raised.
        guard: Of the exchange.
        deadline: When what was waited for had to be there.
        connecting: Whether no connection stood yet.

    """
    if guard.fired or deadline.spent:
        return too_slow(connecting=connecting)
    for raised, becomes, words in _FAILURES:
        if isinstance(error, raised):
            known = becomes(words)
            known.unreachable = isinstance(error, _UNREACHABLE)
            return known
    return UpstreamError(f"the exchange failed ({type(error).__name__})")
