"""Store each answer under its `Idempotency-Key`, and replay the answer when the key repeats.

`execution.py` claims keys and replays answers, `stored_answer.py` packs an answer,
`stream_recording.py` records a stream while it is sent, `dynamodb.py` and `sqlite.py` hold the
records. Nothing here is imported before a caller sends a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.errors import InFlightError, KeyReusedError

HEADER = "Idempotency-Key"
# Longer than any client retries; Stripe keeps its keys for as long:
# https://docs.stripe.com/api/idempotent_requests
KEPT_SECONDS = 24 * 60 * 60

StoredRecord = Mapping[str, Any]


class RecordsUnavailableError(Exception):
    """The records cannot be reached; the message gives the reason and no content."""


@dataclass(frozen=True, slots=True, eq=False)
class IdempotencyKey:
    """Identify a request by hashes alone, so that no key or prompt is stored.

    Attributes:
        scope: SHA-256, in hex, of the caller, the route and the key as sent.
        body: SHA-256, in hex, of the request's body.

    """

    scope: str
    body: str


class Records(Protocol):
    """Hold answers by their keys; all serving processes share the records."""

    def claim(self, key: IdempotencyKey, left_ms: int) -> StoredRecord | None:
        """Claim a key for this request, or return its stored answer.

        Args:
            key: The request's.
            left_ms: Milliseconds until this claim expires.

        Returns:
            The stored answer; None if this request now holds the key alone.

        Raises:
            KeyReusedError: If the key came with another body before.
            InFlightError: If another request holds the key and has no answer yet.
            RecordsUnavailableError: If the records cannot be read.

        """

    def keep(self, key: IdempotencyKey, record: StoredRecord) -> None:
        """Store the answer for a day under a key that this request holds.

        Raises:
            RecordsUnavailableError: If the write is not confirmed.

        """

    def release(self, key: IdempotencyKey) -> None:
        """Release a key that this request holds; the next request with the key runs again.

        Raises:
            RecordsUnavailableError: If the write fails; the claim then expires by itself.

        """


def reused() -> KeyReusedError:
    """Make the error for a key that came with another body before."""
    return KeyReusedError(
        f"this {HEADER} came with another body within the last day; another request needs"
        " another key",
        param=HEADER,
    )


def in_flight() -> InFlightError:
    """Make the error for a key with a first request that is still in flight."""
    return InFlightError(
        f"the first request with this {HEADER} is still in flight; repeat this request for"
        " its answer",
        param=HEADER,
        retry_after=1,
    )
