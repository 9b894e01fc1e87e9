"""The cells of the table: a fault in a dialect, a way of asking, and who else can be asked.

It says what is to come out of each, by the rules of docs/decisions/0011 and 0015, and knows nothing
of how it is tried.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product

from chatd.config.catalog import Timeouts, limits_of
from tests.faults.fault_list import FAULTS, SAID, TEXT, Fault, Way
from tests.support.dialect_streams import DIALECTS, Dialect

# What another model says that does not agree: it parts from the text before the fault comes.
OTHER_TEXT = "The sky was blue, says another."


# Seconds that a stream may take where no `total` is set: what caller.py gives, less a margin.
ROUTE_SECONDS = 899.5


class Company(Enum):
    """Who else can be asked, and what it does where an answer was begun."""

    NONE = "alone"
    CONTINUES = "next goes on"
    ECHOES = "next goes on, and sends back what was said"
    REPEATS = "next says it again"
    REFUSES = "next does not go on and says it again"
    DIVERGES = "next says something else"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a caller gets: an answer, or an error and the tokens that came before."""

    status: int
    code: str | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the table."""

    fault: Fault
    dialect: Dialect
    way: Way
    company: Company

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.dialect.name}-{self.way.value}-{self.company.value}"

    @property
    def seen(self) -> Fault:
        return self.fault.asked(self.way, alone=self.alone)

    @property
    def alone(self) -> bool:
        return self.company is Company.NONE

    @property
    def limits(self) -> Timeouts:
        """The limits of the provider that fails."""
        limits = limits_of(tomllib.loads(self.dialect.toml)["dialect"])
        route = {"total": ROUTE_SECONDS} if self.way is Way.STREAM else {}
        return replace(limits, **{**route, **self.seen.limits})

    @property
    def is_passed_on(self) -> bool:
        """Whether another model is asked: not for what no other mends, nor when no time is left."""
        if self.alone or self.seen.succeeds:
            return False
        return self.seen.allows_fallback and not (self.seen.costs == "total" and self.seen.begun)

    @property
    def answer(self) -> str | None:
        """The answer that comes in the end; None if there is none."""
        if self.seen.succeeds:
            return TEXT
        if not self.is_passed_on:
            return None
        if self.company is not Company.DIVERGES:
            return TEXT
        # Who has got nothing yet can be given any answer.
        return None if self.way is Way.STREAM else OTHER_TEXT

    @property
    def outcome(self) -> Outcome:
        """What the caller gets."""
        if self.answer is not None:
            return Outcome(200, None, self.answer)
        status, code = self.seen.status, self.seen.code
        if self.is_passed_on:  # to who says something else, which is the failure that is told
            status, code = 502, "upstream_error"
        if not (self.seen.begun and self.way is Way.STREAM):
            return Outcome(status, code)
        if code == "upstream_error":
            code = "upstream_stream_error"
        return Outcome(200, code, SAID)

    @property
    def attempts(self) -> int:
        return self.seen.attempts(alone=self.alone)

    @property
    def prefills(self) -> list[str]:
        """What the next model's turn is begun with, for each time that it is asked."""
        if not self.is_passed_on:
            return []
        if not self.seen.begun:
            return [""]
        # What was said is too short for its echo to be told from a repetition.
        anew = {Company.REFUSES: [SAID, ""], Company.ECHOES: [SAID, ""]}
        return {Company.CONTINUES: [SAID], **anew}.get(self.company, [""])


def _companies(fault: Fault, way: Way) -> list[Company]:
    """The companies that make a difference."""
    if way is Way.STREAMED:  # beside another model the provider streams anyway
        return [Company.NONE]
    return list(Company) if fault.begun else [Company.NONE, Company.REPEATS]


CASES = [
    Case(fault, dialect, way, company)
    for fault, dialect, way in product(FAULTS, DIALECTS.values(), Way)
    for company in _companies(fault, way)
]
