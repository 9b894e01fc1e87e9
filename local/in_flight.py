"""Requests with an `Idempotency-Key` that are being answered, and which of them others wait for.

A further request with a key is answered 409 while the first is under way, and comes again for its
answer. So the first goes on when its own caller hangs up, for as long as others keep asking.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatd.callers import presented

# Seconds after which a caller that was answered 409 has given up: `Retry-After` is 1 there, and
# the SDKs' own pauses reach 8 s.
_PATIENCE = 10.0

_Key = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Answering:
    """A request that is being answered.

    Attributes:
        end: Is called when it is answered, or given up.
        clock: Seconds that only grow.

    """

    end: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    _asked: float = float("-inf")

    def asked(self) -> None:
        """Note that another request asked for the same answer."""
        self._asked = self.clock()

    def awaited(self) -> bool:
        """Whether another request asked of late."""
        return self.clock() - self._asked < _PATIENCE


@dataclass(slots=True)
class InFlight:
    """The requests of one front. `clock` gives seconds that only grow."""

    clock: Callable[[], float] = time.monotonic
    _first: dict[_Key, Answering] = field(default_factory=dict)

    def begin(self, event: Mapping[str, Any]) -> Answering:
        """Register a request.

        Args:
            event: The request, as API Gateway hands it to a function.

        """
        key = _key_of(event)
        if key is None:
            return Answering()
        first = self._first.get(key)
        if first is None:
            self._first[key] = first = Answering(lambda: self._end(key, first), self.clock)
            return first
        first.asked()
        # It is answered 409 at once, unless the first has not taken the key yet.
        further = Answering(clock=self.clock)
        further.asked()
        return further

    def _end(self, key: _Key, answering: Answering | None) -> None:
        if self._first.get(key) is answering:
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
