"""Answers that are given once and, under the same `Idempotency-Key`, given again.

`once.py` has the story, `kept.py` what is kept of an answer, `streams.py` how a stream is kept
while it is sent, `dynamodb.py` and `sqlite.py` where. It knows nothing of chats or providers, and
none of it is imported before a caller sends a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chatd.errors import InFlightError, KeyReusedError

HEADER = "Idempotency-Key"
# Longer than any client goes on trying; Stripe keeps its own for as long:
# https://docs.stripe.com/api/idempotent_requests
KEPT_SECONDS = 24 * 60 * 60

Record = Mapping[str, Any]


class RecordsUnavailableError(Exception):
    """The records cannot be reached. The message says why and holds nothing of them."""


@dataclass(frozen=True, slots=True, eq=False)
class IdempotencyKey:
    """What a request is known by: hashes alone, so that no key or prompt is ever kept.

    Attributes:
        scope: SHA-256, in hex, of the caller, the route and the key that was sent.
        body: SHA-256, in hex, of the request's body.

    """

    scope: str
    body: str


class Records(Protocol):
    """Where answers are kept by their keys; shared by all processes that serve."""

    def claim(self, key: IdempotencyKey, left_ms: int) -> Record | None:
        """Take a key for this request, or find its answer.

        Args:
            key: The request's.
            left_ms: Milliseconds after which whoever took it is surely gone.

        Returns:
            The answer, or None: the key is this request's now, and nobody else's.

        Raises:
            KeyReusedError: If it came with another body.
            InFlightError: If another request has taken it and is not answered yet.
            RecordsUnavailableError: If that cannot be known.

        """

    def keep(self, key: IdempotencyKey, record: Record) -> None:
        """Keep the answer for a day, under a key that this request has taken.

        Raises:
            RecordsUnavailableError: If it is not sure to be kept.

        """

    def release(self, key: IdempotencyKey) -> None:
        """Give back a key that this request has taken: the next one with it is answered anew.

        Raises:
            RecordsUnavailableError: If it cannot be; it frees itself when its time is over.

        """


def reused() -> KeyReusedError:
    """The refusal of a key that came with another body."""
    return KeyReusedError(
        f"this {HEADER} came with another body within the last day; another request needs"
        " another key",
        param=HEADER,
    )


def in_flight() -> InFlightError:
    """The refusal of a key whose first request is still being answered."""
    return InFlightError(
        f"the first request with this {HEADER} is still being answered; ask again for its answer",
        param=HEADER,
        retry_after=1,
    )
