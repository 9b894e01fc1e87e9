"""What a caller may have got of a chat, told from what its providers were asked and said.

It follows the attempts in their order, by the two rules of docs/decisions/0015-stream-failover.md
and no other, and knows nothing of how the gateway goes by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from tests.support.dialect_streams import words
from tests.support.faulty_upstream import Attempt


def texts(attempts: Sequence[Attempt]) -> set[str]:
    """Every text that a stream's caller may have got in the end, whole or not."""
    possible = {""}
    for attempt in attempts:
        possible |= {text for before in possible for text in _after(before, attempt)}
    return possible


def wholes(attempts: Sequence[Attempt], *, live: bool) -> set[str]:
    """Every text that may be told to be whole: the last attempt's, behind what it goes on with.

    Args:
        attempts: In their order.
        live: Whether the caller gets the answer while it is made. For one who does not, what is
            said from the start needs no joint.

    """
    *before, last = attempts
    if not last.whole:
        return set()
    if last.asked.prefill:
        return {last.asked.prefill + last.said} if last.asked.prefill in texts(before) else set()
    if not live:
        return {last.said}
    return {last.said} if any(last.said.startswith(text) for text in texts(before)) else set()


def _after(before: str, attempt: Attempt) -> Iterator[str]:
    """What a caller may have after an attempt who had this before it.

    How much of what was sent came through before a connection was reset is not known.
    """
    said = ["", *accumulate(words(attempt.said))]
    if attempt.asked.prefill:
        if attempt.asked.prefill == before:
            yield from (before + part for part in said)
    elif attempt.said.startswith(before):
        yield from (part for part in said if len(part) >= len(before))
