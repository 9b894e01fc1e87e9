"""List every fault, with the provider's acts and the expected outcome, one row each.

The table's tests compare a run with this list, and write docs/failures.md. A further fault is one
row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

from chatd.config.provider import WHOLE_SECONDS, Timeouts
from tests.support.dialect_streams import words
from tests.support.faults import (
    answers,
    answers_late,
    chatters_at_end,
    cut,
    hangs_at_end,
    lacks_end,
    malformed,
    never_begins,
    never_ends,
    promises_less,
    promises_more,
    refuses,
    reports,
    resets,
    silent,
    stalls,
    trickles_headers,
)
from tests.support.faulty_upstream import Act

TEXT = "The sky is blue because air scatters short waves most."
# Tokens before a fault in mid-answer.
SOME = 3
FIRST_TOKENS = "".join(words(TEXT)[:SOME])
# Longest waits before the second and the third attempt, in seconds.
JITTER = (0.25, 0.5)
TRIES = 1 + len(JITTER)

Limit = Literal["connect", "silence", "first_event", "gap", "total"]
Place = Literal["served", "black hole", "closed port"]


class Way(Enum):
    """The kind of caller, and whether chatd.toml makes the provider stream."""

    STREAM = "stream"
    PLAIN = "plain"
    STREAMED = "plain, upstream_stream = true"


@dataclass(frozen=True, slots=True)
class Fault:
    """A provider's fault, and the expected outcome.

    Attributes:
        name: The fault's name on the page.
        acts: The provider's act per attempt; the last one repeats.
        status: The caller's status if no byte is sent yet; 200 if the chat succeeds.
        code: The error's code.
        place: Where connections to the provider end.
        begun: Whether some tokens precede the fault.
        costs: The limit that ends an attempt, if any.
        limits: Limits of the table's run, in seconds; the others are the defaults.
        wait: Seconds of the provider's Retry-After.
        tries: Number of attempts, where the other fields do not imply the number.
        allows_fallback: Whether the next model is tried.
        unstreamed: Fields that differ where the provider returns a whole response.
        takes: Seconds of an attempt that no limit ends.
        at_defaults: Fields that differ at the default limits.

    """

    name: str
    acts: tuple[Act, ...]
    status: int = 502
    code: str = "upstream_error"
    place: Place = "served"
    begun: bool = False
    costs: Limit | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    wait: float = 0.0
    tries: int | None = None
    allows_fallback: bool = True
    unstreamed: Mapping[str, Any] = field(default_factory=dict)
    takes: float = 0.0
    at_defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def succeeds(self) -> bool:
        return self.status == 200

    @property
    def too_slow(self) -> bool:
        return self.code == "upstream_timeout"

    def for_way(self, way: Way, *, alone: bool) -> Fault:
        """Return the fault for a way: a whole response never begins before the fault.

        The provider of a plain caller returns a whole response, unless a fallback is left.
        """
        if way is not Way.PLAIN or not alone:
            return self
        slow = _SPENT if self.costs not in (None, "connect") else {}
        return replace(self, **{"begun": False, **slow, **self.unstreamed})

    def attempts(self, *, alone: bool) -> int:
        """Return the number of attempts at the provider."""
        if self.tries is not None:
            return self.tries
        if self.begun or self.succeeds or (self.too_slow and not alone):
            return 1
        return TRIES if self.costs in (None, "connect") else 1

    def cost(self, limits: Timeouts, *, alone: bool) -> float:
        """Return the seconds of an attempt."""
        if self.costs is None:
            return self.takes
        if self.costs == "silence" and not alone:
            return limits.silence_with_fallback
        if self.costs == "total":
            # Before its first event, a model has a share of the time: one of two.
            return total(limits) / (1 if alone or self.begun else 2)
        return float(getattr(limits, self.costs))

    def shortest(self, limits: Timeouts, *, alone: bool) -> float:
        """Return the least seconds that the caller waits for the provider."""
        attempts = self.attempts(alone=alone)
        waits = (attempts - 1) * self.wait
        return min(attempts * self.cost(limits, alone=alone) + waits, total(limits))

    def longest(self, limits: Timeouts, *, alone: bool) -> float:
        """Return the most seconds that the caller waits for the provider."""
        jitter = 0 if self.wait else sum(JITTER[: self.attempts(alone=alone) - 1])
        return min(self.shortest(limits, alone=alone) + jitter, total(limits))


def total(limits: Timeouts) -> float:
    """Return the seconds that a whole response may take."""
    return limits.total or WHOLE_SECONDS


# A slow fault of a whole response: only `total` ends the attempt.
_TOTAL = {"total": 0.8}
_SPENT = {"costs": "total", "limits": _TOTAL, "status": 504, "code": "upstream_timeout"}


def slow(name: str, act: Act, costs: Limit, limits: Mapping[str, float], **more: Any) -> Fault:
    """Return a fault that a limit ends."""
    return Fault(name, (act,), 504, "upstream_timeout", costs=costs, limits=limits, **more)


_SILENCE = {"silence": 0.6, "silence_with_fallback": 0.4}
FAULTS = (
    Fault("refuses the connection", (), place="closed port"),
    slow(
        "neither accepts nor refuses the connection",
        answers(),
        "connect",
        {"connect": 0.4},
        place="black hole",
    ),
    Fault("resets the connection before the response's head", (resets(),)),
    slow("accepts the request and sends no byte", silent(), "silence", _SILENCE),
    slow("sends an endless head, byte by byte", trickles_headers(0.05), "silence", _SILENCE),
    Fault(
        "sends keep-alives, then a late first token",
        (answers_late(0.3, 0.1),),
        200,
        takes=0.3,
        at_defaults={"acts": (answers_late(12.0, 0.5),), "takes": 12.0},
    ),
    slow("sends keep-alives and no token", never_begins(0.1), "first_event", {"first_event": 0.8}),
    Fault("closes the connection before the first token", (cut(0),)),
    Fault("closes the connection in mid-answer", (cut(SOME),), begun=True),
    Fault("resets the connection in mid-answer", (resets(SOME),), begun=True),
    slow("stalls in mid-answer", stalls(SOME), "gap", {"gap": 0.5}, begun=True),
    slow(
        "sends keep-alives without end in mid-answer",
        never_ends(SOME, 0.1),
        "total",
        {"total": 1.2},
        begun=True,
    ),
    Fault("sends a malformed first event", (malformed(0),)),
    Fault("sends a malformed event in mid-answer", (malformed(SOME),), begun=True),
    Fault("ends the response without an event", (lacks_end(0),)),
    Fault("ends the response without an end mark", (lacks_end(SOME),), begun=True),
    Fault(
        "closes a response without length or end mark",
        (lacks_end(SOME, closes=True),),
        begun=True,
    ),
    Fault("returns 200 with an error", (reports(),)),
    Fault("sends an error event in mid-answer", (reports(SOME),), begun=True),
    Fault(
        "sends a body shorter than its Content-Length",
        (promises_more(),),
        200,
        unstreamed={"status": 502, "code": "upstream_error"},
    ),
    Fault("sends a body longer than its Content-Length", (promises_less(SOME),), begun=True),
    Fault(
        "sends the end mark and leaves the response open",
        (hangs_at_end(),),
        200,
        unstreamed=_SPENT,
    ),
    Fault(
        "sends the end mark, then keep-alives without end",
        (chatters_at_end(0.1),),
        200,
        unstreamed=_SPENT,
    ),
    Fault(
        "flaps: a reset, a 500, then succeeds",
        (resets(), refuses(500), answers()),
        200,
        tries=3,
    ),
    Fault("returns 500", (refuses(500),)),
    Fault("returns 503", (refuses(503),), 503, "upstream_overloaded"),
    Fault(
        "returns 429 with Retry-After of 1 s",
        (refuses(429, retry_after="1"),),
        429,
        "rate_limit_exceeded",
        wait=1.0,
    ),
    Fault(
        "returns 429 with Retry-After of 900 s",
        (refuses(429, retry_after="900"),),
        429,
        "rate_limit_exceeded",
        tries=1,
    ),
    Fault("returns 402", (refuses(402),), 429, "insufficient_quota", tries=1),
    Fault("returns 401", (refuses(401),), 502, "upstream_auth_error", tries=1),
    Fault("returns 400", (refuses(400),), 400, "invalid_request", tries=1, allows_fallback=False),
)
