"""Derive the texts that a caller may have received, from the attempts at the providers.

Follows the two rules of docs/decisions/0015-stream-failover.md, independently of the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from tests.support.dialect_streams import words
from tests.support.faulty_upstream import Attempt


def possible_texts(attempts: Sequence[Attempt]) -> set[str]:
    """Return every text, whole or partial, that the caller of a stream may have received."""
    possible = {""}
    for attempt in attempts:
        possible |= {text for before in possible for text in _after(before, attempt)}
    return possible


def whole_texts(attempts: Sequence[Attempt], *, live: bool) -> set[str]:
    """Return every text that may be marked as whole: the last attempt's, after its prefill.

    Args:
        attempts: The attempts in order.
        live: Whether the caller receives a stream. A repetition from the start must agree with
            the text already sent only for a stream.

    """
    *before, last = attempts
    if not last.whole:
        return set()
    sent, prefill = possible_texts(before), last.request.prefill
    if prefill:
        return {prefill + last.text} if prefill in sent else set()
    agrees = not live or any(last.text.startswith(text) for text in sent)
    return {last.text} if agrees else set()


def _after(before: str, attempt: Attempt) -> Iterator[str]:
    """Yield the texts that a caller with `before` may have after an attempt.

    A reset may discard any number of the sent tokens.
    """
    parts = ["", *accumulate(words(attempt.text))]
    if attempt.request.prefill:
        if attempt.request.prefill == before:
            yield from (before + part for part in parts)
    elif attempt.text.startswith(before):
        yield from (part for part in parts if len(part) >= len(before))
