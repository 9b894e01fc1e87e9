"""The budgets that the gateway keeps to, and whether what was measured does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """One of them.

    Attributes:
        what: Is held.
        bench: Which benchmark measures it.
        value: Takes it from what that benchmark found.
        limit: What it must hold to.
        shown: How a value of it is written.
        at_least: Whether the limit is the least there must be, and not the most there may be.

    """

    what: str
    bench: str
    value: Callable[[Found], float]
    limit: float
    shown: str
    at_least: bool = False

    def row(self, everything: Found) -> Sequence[str]:
        """The budget, what was measured, and whether it is met."""
        value = self.value(everything[self.bench])
        met = value >= self.limit if self.at_least else value <= self.limit
        sign = "≥" if self.at_least else "≤"
        limit = f"{sign} {self.shown.format(self.limit)}"
        return self.what, limit, self.shown.format(value), "yes" if met else "**no**"


def rows(everything: Found) -> list[Sequence[str]]:
    """All that were measured."""
    return [budget.row(everything) for budget in BUDGETS if budget.bench in everything]


def _init(found: Found) -> float:
    return float(found["starts"]["handler"]["ratio"]["cpu"])


def _warm(share: str) -> Callable[[Found], float]:
    def worst(found: Found) -> float:
        over = [case["wall"]["overhead"][share] for case in found["cases"].values()]
        return float(max(over)) / 1000

    return worst


def _chunk(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(case[kind]["cpu"] for case in found["cases"].values()))


def _grown(found: Found) -> float:
    return float(found["after requests"] - found["at rest"])


def _zipped(found: Found) -> float:
    return float(found["code"]["zipped"] + found["layer"]["zipped"])


def _their_init(found: Found) -> float:
    ours, theirs = (found["handlers"][name]["init"]["cpu"] for name in ("chatd", "litellm"))
    return float(theirs["median"] / ours["median"])


def _their_overhead(found: Found) -> float:
    sides = found["handlers"]
    return float(sides["litellm"]["overhead"]["wall"] / sides["chatd"]["overhead"]["wall"])


def _steepest(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(case[kind] for case in found["cases"].values()))


BUDGETS = (
    Budget("init, over importing its libraries", "init", _init, 1.15, "{:.2f} ×"),
    Budget("a warm request over bare urllib3, median", "warm", _warm("median"), 0.2, "{:.2f} ms"),
    Budget("a warm request over bare urllib3, p99", "warm", _warm("p99"), 0.5, "{:.2f} ms"),
    Budget("a streamed chunk", "stream", _chunk("flood"), 30, "{:.0f} µs"),
    Budget("a streamed chunk that comes alone", "stream", _chunk("trickle"), 30, "{:.0f} µs"),
    Budget("memory at rest", "memory", lambda found: float(found["at rest"]), 90, "{:.0f} MB"),
    Budget("what 10,000 requests add to it", "memory", _grown, 2, "{:.1f} MB"),
    Budget("code and layer, zipped", "size", _zipped, 20, "{:.1f} MB"),
    Budget("LiteLLM's init, over ours", "peers", _their_init, 20, "{:.0f} ×", at_least=True),
    Budget(
        "LiteLLM's overhead, over ours", "peers", _their_overhead, 10, "{:.0f} ×", at_least=True
    ),
    Budget("exponent of time", "growth", _steepest("time_exponent"), 1.1, "{:.2f}"),
    Budget("exponent of memory", "growth", _steepest("memory_exponent"), 1.1, "{:.2f}"),
)
