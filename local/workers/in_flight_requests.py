"""Track requests with an `Idempotency-Key` in flight, and their duplicates.

A duplicate gets 409 while the first request is in flight, and its caller retries until the answer
is stored. So the first request continues after its own caller hangs up, while duplicates arrive.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatd.access.caller_keys import presented

# Seconds after which a caller that got 409 no longer retries: `Retry-After` is 1 s, and SDKs pause
# for up to 8 s.
_RETRY_SECONDS = 10.0

_Key = tuple[str, ...]


@dataclass(slots=True, eq=False)
class InFlightRequest:
    """A request in flight.

    Attributes:
        end: Called when the request ends, with or without an answer.
        clock: Monotonic time in seconds.

    """

    end: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    _last_duplicate: float = float("-inf")

    def note_duplicate(self) -> None:
        """Record a duplicate of this request."""
        self._last_duplicate = self.clock()

    def has_waiting_duplicate(self) -> bool:
        """Whether a duplicate arrived in the last 10 s."""
        return self.clock() - self._last_duplicate < _RETRY_SECONDS


@dataclass(slots=True)
class InFlightRequests:
    """The requests in flight. `clock` is monotonic time in seconds."""

    clock: Callable[[], float] = time.monotonic
    _first: dict[_Key, InFlightRequest] = field(default_factory=dict)

    def begin(self, event: Mapping[str, Any]) -> InFlightRequest:
        """Register a request.

        Args:
            event: The request as a proxy event.

        """
        key = _key_of(event)
        if key is None:
            return InFlightRequest()
        first = self._first.get(key)
        if first is None:
            self._first[key] = first = InFlightRequest(lambda: self._end(key, first), self.clock)
            return first
        first.note_duplicate()
        # The duplicate gets 409 at once, unless it locks the key before the first request.
        duplicate = InFlightRequest(clock=self.clock)
        duplicate.note_duplicate()
        return duplicate

    def _end(self, key: _Key, request: InFlightRequest | None) -> None:
        if self._first.get(key) is request:
            del self._first[key]


def _key_of(event: Mapping[str, Any]) -> _Key | None:
    """Return caller, method, route, key and a hash of the body; None without a key."""
    headers = event["headers"]
    if "idempotency-key" not in headers:
        return None
    authorizer = event["requestContext"].get("authorizer") or {}
    caller = authorizer.get("principalId") or " ".join(presented(headers))
    body = hashlib.sha256((event["body"] or "").encode("utf-8", "surrogatepass")).hexdigest()
    return caller, event["httpMethod"], event["resource"], headers["idempotency-key"], body
