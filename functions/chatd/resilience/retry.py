"""Decide whether to retry a provider after a failure, and how long to wait first."""

from __future__ import annotations

import random
from collections.abc import Callable

from chatd.deadline import Deadline
from chatd.errors import ChatdError, UpstreamTimeoutError

MAX_RETRIES = 2
_FIRST_SECONDS = 0.25
# Seconds that one chat spends, over all its retries, on the `Retry-After` of one provider. A chat
# that waits holds its worker, so a longer wait is left to the caller, or to the next model.
PATIENCE = 5.0
PATIENCE_WITH_FALLBACK = 2.0


class Retries:
    """The retries of one provider within one chat.

    Args:
        fallback: Whether another model can answer instead.
        jitter: Returns a number from 0 to 1.

    """

    def __init__(self, *, fallback: bool, jitter: Callable[[], float] = random.random) -> None:
        self._fallback = fallback
        self._jitter = jitter
        self._retries = 0
        self._wait_budget = PATIENCE_WITH_FALLBACK if fallback else PATIENCE

    def pause(self, error: ChatdError, deadline: Deadline) -> float | None:
        """Decide whether to try the provider again, and count the retry.

        The wait is the provider's `Retry-After`. Without one it is drawn evenly from 0 to a bound
        that doubles, so that callers whose chats failed together do not retry together:
        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

        Args:
            error: The failure of the last attempt.
            deadline: The end of the model's time window.

        Returns:
            The seconds to wait before the next attempt; None if there is none.

        """
        if self._retries >= MAX_RETRIES or not self._is_worthwhile(error):
            return None
        wait = error.retry_after
        if wait is None:
            wait = self._jitter() * _FIRST_SECONDS * 2**self._retries
        elif wait > self._wait_budget:
            return None
        else:
            self._wait_budget -= wait
        if wait >= deadline.left():
            return None
        self._retries += 1
        return wait

    def _is_worthwhile(self, error: ChatdError) -> bool:
        """Whether a retry may succeed and is worth its time.

        A silence is not retried: the provider would process the same prompt from the start again.
        With a fallback no timeout is retried: it has taken enough time.
        """
        if not error.retryable:
            return False
        if not isinstance(error, UpstreamTimeoutError):
            return True
        return not self._fallback and not is_silence(error)


def is_silence(error: ChatdError) -> bool:
    """Whether the provider accepted a connection and sent no byte in time."""
    if not isinstance(error, UpstreamTimeoutError):
        return False
    return not error.unreachable and error.upstream_status is None
