"""Track requests with an `Idempotency-Key` in flight, and whether other requests wait for them.

A further request with a key gets 409 while the first is in flight, and its caller retries for the
answer. So the first continues after its own caller hangs up, as long as such retries arrive.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatd.access.caller_keys import presented

# Seconds after which a caller that got 409 has given up: `Retry-After` is 1 there, and the pauses
# of SDKs reach 8 s.
_RETRY_SECONDS = 10.0

_Key = tuple[str, ...]


@dataclass(slots=True, eq=False)
class InFlightRequest:
    """A request in flight.

    Attributes:
        end: Called when the request is answered or given up.
        clock: Seconds that only grow.

    """

    end: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    _last_duplicate: float = float("-inf")

    def note_duplicate(self) -> None:
        """Note a further request for the same answer."""
        self._last_duplicate = self.clock()

    def has_waiting_duplicate(self) -> bool:
        """Whether a further request arrived in the last 10 s."""
        return self.clock() - self._last_duplicate < _RETRY_SECONDS


@dataclass(slots=True)
class InFlightRequests:
    """The requests in flight; `clock` gives seconds that only grow."""

    clock: Callable[[], float] = time.monotonic
    _first: dict[_Key, InFlightRequest] = field(default_factory=dict)

    def begin(self, event: Mapping[str, Any]) -> InFlightRequest:
        """Register a request.

        Args:
            event: The request, as API Gateway hands it to a function.

        """
        key = _key_of(event)
        if key is None:
            return InFlightRequest()
        first = self._first.get(key)
        if first is None:
            self._first[key] = first = InFlightRequest(lambda: self._end(key, first), self.clock)
            return first
        first.note_duplicate()
        # It gets 409 at once, unless it takes the key before the first does.
        duplicate = InFlightRequest(clock=self.clock)
        duplicate.note_duplicate()
        return duplicate

    def _end(self, key: _Key, request: InFlightRequest | None) -> None:
        if self._first.get(key) is request:
            del self._first[key]


def _key_of(event: Mapping[str, Any]) -> _Key | None:
    """The caller, the route, the key and a hash of the body; None for a request without a key."""
    headers = event["headers"]
    if "idempotency-key" not in headers:
        return None
    authorizer = event["requestContext"].get("authorizer") or {}
    caller = authorizer.get("principalId") or presented(headers) or ""
    body = hashlib.sha256((event["body"] or "").encode("utf-8", "surrogatepass")).hexdigest()
    return caller, event["httpMethod"], event["resource"], headers["idempotency-key"], body
