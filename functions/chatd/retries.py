"""When a provider that failed is asked again, and how long to wait before.

It knows failures and time, and nothing of who is asked or what.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from chatd.deadline import Deadline
from chatd.errors import ChatdError, UpstreamTimeoutError

MAX_RETRIES = 2
_FIRST_SECONDS = 0.25
_LONGEST_SECONDS = 4.0
# With a fallback at hand nobody should wait longer than this for the provider that said "later".
_PATIENCE_WITH_FALLBACK = 2.0


def pause(
    error: ChatdError,
    retries: int,
    deadline: Deadline,
    *,
    fallback: bool,
    jitter: Callable[[], float] = random.random,
) -> float | None:
    """The seconds to wait before the provider is asked again, or None if it is not.

    The wait is what the provider asks for, and otherwise drawn evenly from nothing to a bound that
    doubles, so that callers who failed together do not come back together:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Args:
        error: How it failed.
        retries: How often it has been asked again already.
        deadline: When the caller must have an answer.
        fallback: Whether somebody else can be asked instead.
        jitter: A number from 0 to 1.

    """
    if not error.transient or retries >= MAX_RETRIES:
        return None
    if fallback and isinstance(error, UpstreamTimeoutError):
        return None  # its silence has cost enough
    wait = error.retry_after
    if wait is None:
        wait = jitter() * min(_LONGEST_SECONDS, _FIRST_SECONDS * 2**retries)
    longest = _PATIENCE_WITH_FALLBACK if fallback else deadline.left()
    return wait if wait < min(longest, deadline.left()) else None
