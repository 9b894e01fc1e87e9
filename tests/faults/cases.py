"""List the cells of the table: fault × dialect × kind of caller × fallback.

The expected outcome of each follows the rules of docs/decisions/0011 and 0015.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product

from chatd.config.provider import Timeouts, limits_of
from tests.faults.fault_list import FAULTS, FIRST_TOKENS, TEXT, Fault, Way
from tests.support.dialect_streams import DIALECTS, Dialect

# A fallback's text that diverges from TEXT before the fault.
OTHER_TEXT = "The sky was blue, says another."


# Seconds of a stream without `total`: the time that caller.py gives, less a margin.
ROUTE_SECONDS = 899.5


class Fallback(Enum):
    """The fallback, and its response to a prefill."""

    NONE = "alone"
    CONTINUES = "fallback continues"
    ECHOES = "fallback echoes the prefill and continues"
    REPEATS = "fallback repeats the text"
    REFUSES = "fallback refuses the prefill and repeats the text"
    DIVERGES = "fallback diverges"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The caller's response: an answer, or an error and the tokens before the error."""

    status: int
    code: str | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the table."""

    fault: Fault
    dialect: Dialect
    way: Way
    fallback: Fallback

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.dialect.name}-{self.way.value}-{self.fallback.value}"

    @property
    def applied(self) -> Fault:
        return self.fault.for_way(self.way, alone=self.alone)

    @property
    def alone(self) -> bool:
        return self.fallback is Fallback.NONE

    @property
    def limits(self) -> Timeouts:
        """Return the limits of the failing provider."""
        limits = limits_of(tomllib.loads(self.dialect.toml)["dialect"])
        route = {"total": ROUTE_SECONDS} if self.way is Way.STREAM else {}
        return replace(limits, **{**route, **self.applied.limits})

    @property
    def reaches_fallback(self) -> bool:
        """Return whether the fallback is tried: the fault allows one and time is left."""
        if self.alone or self.applied.succeeds:
            return False
        return self.applied.allows_fallback and not (
            self.applied.costs == "total" and self.applied.begun
        )

    @property
    def answer(self) -> str | None:
        """Return the whole answer that the caller receives, or None."""
        if self.applied.succeeds:
            return TEXT
        if not self.reaches_fallback:
            return None
        if self.fallback is not Fallback.DIVERGES:
            return TEXT
        # A caller without any token yet can get any answer.
        return None if self.way is Way.STREAM else OTHER_TEXT

    @property
    def outcome(self) -> Outcome:
        """Return the expected outcome."""
        if self.answer is not None:
            return Outcome(200, None, self.answer)
        status, code = self.applied.status, self.applied.code
        if self.reaches_fallback:  # which diverges: the caller gets that failure
            status, code = 502, "upstream_error"
        if not (self.applied.begun and self.way is Way.STREAM):
            return Outcome(status, code)
        if code == "upstream_error":
            code = "upstream_stream_error"
        return Outcome(200, code, FIRST_TOKENS)

    @property
    def attempts(self) -> int:
        return self.applied.attempts(alone=self.alone)

    @property
    def prefills(self) -> list[str]:
        """Return the prefill of each attempt at the fallback."""
        if not self.reaches_fallback:
            return []
        if not self.applied.begun:
            return [""]
        # The prefill is too short to distinguish its echo from a repetition.
        twice = {Fallback.REFUSES: [FIRST_TOKENS, ""], Fallback.ECHOES: [FIRST_TOKENS, ""]}
        return {Fallback.CONTINUES: [FIRST_TOKENS], **twice}.get(self.fallback, [""])


def _fallbacks(fault: Fault, way: Way) -> list[Fallback]:
    """Return the fallbacks with distinct outcomes."""
    if way is Way.STREAMED:  # with a fallback the provider streams in any case
        return [Fallback.NONE]
    return list(Fallback) if fault.begun else [Fallback.NONE, Fallback.REPEATS]


CASES = [
    Case(fault, dialect, way, fallback)
    for fault, dialect, way in product(FAULTS, DIALECTS.values(), Way)
    for fallback in _fallbacks(fault, way)
]
