"""Requests with an `Idempotency-Key` that are being answered, and which of them another awaits.

The second request with a key is answered 409 while the first is under way, and comes again for its
answer. So the first must go on when its own caller hangs up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chatd.callers import presented

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Request:
    awaited: bool = False


class InFlight:
    """The requests of one front."""

    def __init__(self) -> None:
        self._first: dict[_Key, _Request] = {}

    @contextmanager
    def begun(self, event: Mapping[str, Any]) -> Iterator[Callable[[], bool]]:
        """Register a request for the length of the block.

        Args:
            event: The request, as API Gateway hands it to a function.

        Yields:
            Whether another request with the same key and body has come since.

        """
        key = _key_of(event)
        if key is None:
            yield _never
        elif key in self._first:
            self._first[key].awaited = True
            yield _never  # it is answered 409 at once, unless the first has just ended
        else:
            request = self._first[key] = _Request()
            try:
                yield lambda: request.awaited
            finally:
                del self._first[key]


def _never() -> bool:
    return False


def _key_of(event: Mapping[str, Any]) -> _Key | None:
    """The caller, the route, the key and a hash of the body; None for a request without a key."""
    headers = event["headers"]
    if "idempotency-key" not in headers:
        return None
    authorizer = event["requestContext"].get("authorizer") or {}
    caller = authorizer.get("principalId") or presented(headers) or ""
    body = hashlib.sha256((event["body"] or "").encode("utf-8", "surrogatepass")).hexdigest()
    return caller, event["httpMethod"], event["resource"], headers["idempotency-key"], body
