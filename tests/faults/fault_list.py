"""Every fault, one row each: what the provider does, and what becomes of it.

The table's tests hold a run to this, and docs/failures.md is written from it and the run. A further
fault is one row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

from chatd.config.catalog import WHOLE_SECONDS, Timeouts
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
# Tokens that come before a fault in mid-answer.
SOME = 3
SAID = "".join(words(TEXT)[:SOME])
# The longest waits before the second and the third attempt, in seconds.
JITTER = (0.25, 0.5)
TRIES = 1 + len(JITTER)

Limit = Literal["connect", "silence", "first_event", "gap", "total"]
Place = Literal["served", "black hole", "closed port"]


class Way(Enum):
    """What kind of caller the chat has, and whether chatd.toml makes the provider stream."""

    STREAM = "stream"
    PLAIN = "plain"
    STREAMED = "plain, upstream_stream = true"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a provider does, and what becomes of it.

    Attributes:
        name: As the page has it.
        acts: What it does with each attempt, the last one from then on.
        status: What a caller gets who can still be told by a status; 200 if it is no failure.
        code: The error's code.
        place: Where the provider is.
        begun: Whether some tokens come before it fails.
        costs: The limit that ends an attempt, if one does.
        limits: The limits of the table's run, in seconds; those not named are the defaults.
        wait: Seconds that the provider asks to wait.
        tries: How often it is asked, where that does not follow from the rest.
        falls_through: Whether another is asked.
        unstreamed: What differs where the provider gives a whole answer.
        takes: Seconds that an attempt takes which no limit ends.
        at_defaults: What differs where the limits are the defaults.

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

    def asked(self, way: Way, *, alone: bool) -> Fault:
        """The same for a way of asking: a whole answer has not begun before it is there.

        A plain caller's provider gives one, unless another model can take over.
        """
        if way is not Way.PLAIN or not alone:
            return self
        slow = _SPENT if self.costs not in (None, "connect") else {}
        return replace(self, **{"begun": False, **slow, **self.unstreamed})

    def attempts(self, *, alone: bool) -> int:
        """How often the provider is asked."""
        if self.tries is not None:
            return self.tries
        if self.begun or self.succeeds or (self.too_slow and not alone):
            return 1
        return TRIES if self.costs in (None, "connect") else 1

    def cost(self, limits: Timeouts, *, alone: bool) -> float:
        """Seconds that an attempt takes."""
        if self.costs is None:
            return self.takes
        if self.costs == "silence" and not alone:
            return limits.silence_with_fallback
        if self.costs == "total":
            # Before it has begun, a model has its share of the time: one of two.
            return total(limits) / (1 if alone or self.begun else 2)
        return float(getattr(limits, self.costs))

    def shortest(self, limits: Timeouts, *, alone: bool) -> float:
        """Seconds that the caller waits for the provider at least."""
        attempts = self.attempts(alone=alone)
        waits = (attempts - 1) * self.wait
        return min(attempts * self.cost(limits, alone=alone) + waits, total(limits))

    def longest(self, limits: Timeouts, *, alone: bool) -> float:
        """Seconds that the caller waits for the provider at most."""
        jitter = 0 if self.wait else sum(JITTER[: self.attempts(alone=alone) - 1])
        return min(self.shortest(limits, alone=alone) + jitter, total(limits))


def total(limits: Timeouts) -> float:
    """Seconds that a whole answer may take."""
    return limits.total or WHOLE_SECONDS


# What the slow become who are not asked to stream: only the limit for all of it holds.
_TOTAL = {"total": 0.8}
_SPENT = {"costs": "total", "limits": _TOTAL, "status": 504, "code": "upstream_timeout"}


def slow(name: str, act: Act, costs: Limit, limits: Mapping[str, float], **more: Any) -> Fault:
    """A fault that a limit ends."""
    return Fault(name, (act,), 504, "upstream_timeout", costs=costs, limits=limits, **more)


_SILENCE = {"silence": 0.6, "silence_with_fallback": 0.4}
FAULTS = (
    Fault("refuses the connection", (), place="closed port"),
    slow(
        "lets no connection be made",
        answers(),
        "connect",
        {"connect": 0.4},
        place="black hole",
    ),
    Fault("resets the connection before the head", (resets(),)),
    slow("takes the request and is silent", silent(), "silence", _SILENCE),
    slow("sends a head without end, byte by byte", trickles_headers(0.05), "silence", _SILENCE),
    Fault(
        "is slow to the first token, with signs of life until then",
        (answers_late(0.3, 0.1),),
        200,
        takes=0.3,
        at_defaults={"acts": (answers_late(12.0, 0.5),), "takes": 12.0},
    ),
    slow(
        "gives signs of life and no token", never_begins(0.1), "first_event", {"first_event": 0.8}
    ),
    Fault("closes the connection before the first token", (cut(0),)),
    Fault("closes the connection in mid-answer", (cut(SOME),), begun=True),
    Fault("resets the connection in mid-answer", (resets(SOME),), begun=True),
    slow("stalls in mid-answer", stalls(SOME), "gap", {"gap": 0.5}, begun=True),
    slow("never ends its answer", never_ends(SOME, 0.1), "total", {"total": 1.2}, begun=True),
    Fault("begins with a malformed event", (malformed(0),)),
    Fault("sends a malformed event in mid-answer", (malformed(SOME),), begun=True),
    Fault("ends its response without an event", (lacks_end(0),)),
    Fault("ends its response without an end mark", (lacks_end(SOME),), begun=True),
    Fault(
        "closes a response of no length without an end mark",
        (lacks_end(SOME, closes=True),),
        begun=True,
    ),
    Fault("answers 200 with an error", (reports(),)),
    Fault("sends an error event in mid-answer", (reports(SOME),), begun=True),
    Fault(
        "promises a longer body than it sends",
        (promises_more(),),
        200,
        unstreamed={"status": 502, "code": "upstream_error"},
    ),
    Fault("promises a shorter body than it sends", (promises_less(SOME),), begun=True),
    Fault(
        "says that all is said, and leaves the connection open",
        (hangs_at_end(),),
        200,
        unstreamed=_SPENT,
    ),
    Fault(
        "says that all is said, and goes on with signs of life",
        (chatters_at_end(0.1),),
        200,
        unstreamed=_SPENT,
    ),
    Fault("flaps: a reset, a 500, then well", (resets(), refuses(500), answers()), 200, tries=3),
    Fault("answers 500", (refuses(500),)),
    Fault("answers 503", (refuses(503),), 503, "upstream_overloaded"),
    Fault(
        "answers 429 and asks for a second",
        (refuses(429, retry_after="1"),),
        429,
        "rate_limit_exceeded",
        wait=1.0,
    ),
    Fault(
        "answers 429 and asks for longer than there is",
        (refuses(429, retry_after="900"),),
        429,
        "rate_limit_exceeded",
        tries=1,
    ),
    Fault("answers 402", (refuses(402),), 429, "insufficient_quota", tries=1),
    Fault("answers 401", (refuses(401),), 502, "upstream_auth_error", tries=1),
    Fault("answers 400", (refuses(400),), 400, "invalid_request", tries=1, allows_fallback=False),
)
