"""Keep temporary AWS credentials until shortly before they expire."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from chatd.credentials.aws_credentials import AwsCredentials, AwsCredentialsError

# A chat signs each attempt, and one attempt begins within some minutes.
_BEFORE = timedelta(minutes=5)
_RETRY = timedelta(seconds=5)
_EXPIRE = timedelta(seconds=30)


class CachedCredentials:
    """Keep the credentials of one source; several threads share one fetch.

    Args:
        fetch: Returns credentials, or raises AwsCredentialsError.
        now: Returns the present moment in UTC.

    """

    def __init__(self, fetch: Callable[[], AwsCredentials], now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._value: AwsCredentials | None = None
        self._failure = AwsCredentialsError("nothing was fetched")
        self._due: datetime | None = None
        self._expired_at: datetime | None = None

    def read(self) -> AwsCredentials:
        """Return credentials that have not expired, also while their source fails.

        Raises:
            AwsCredentialsError: If there are none. The source is tried again after 5 s.

        """
        with self._lock:
            now = self._now()
            if self._due is None or now >= self._due:
                self._refresh(now)
            value = self._value
            if value is None or (value.expires_at is not None and value.expires_at <= now):
                raise self._failure
            return value

    def expire(self) -> None:
        """Make the next read fetch again, at most every 30 s."""
        with self._lock:
            now = self._now()
            if self._expired_at is None or now - self._expired_at >= _EXPIRE:
                self._expired_at, self._due = now, None

    def _refresh(self, now: datetime) -> None:
        try:
            self._value = self._fetch()
        except AwsCredentialsError as failure:
            self._failure, self._due = failure, now + _RETRY
            return
        expires_at = self._value.expires_at
        left = timedelta(0) if expires_at is None else expires_at - now
        # Credentials with a short life are fetched again after half of it, not for each chat.
        self._due = now + max(left - _BEFORE, left / 2, _RETRY)
