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
        reason: Why the floor is elsewhere, for one that is not met.

    """

    what: str
    bench: str
    value: Callable[[Found], float]
    limit: float
    shown: str
    at_least: bool = False
    reason: str = ""

    def met(self, everything: Found) -> bool:
        """Whether what was measured holds to it."""
        value = self.value(everything[self.bench])
        return value >= self.limit if self.at_least else value <= self.limit

    def row(self, everything: Found) -> Sequence[str]:
        """The budget, what was measured, and whether it is met."""
        value = self.value(everything[self.bench])
        sign = "≥" if self.at_least else "≤"
        limit = f"{sign} {self.shown.format(self.limit)}"
        return (
            self.what,
            limit,
            self.shown.format(value),
            "yes" if self.met(everything) else "**no**",
        )


def rows(everything: Found) -> list[Sequence[str]]:
    """All that were measured."""
    return [budget.row(everything) for budget in BUDGETS if budget.bench in everything]


def reasons(everything: Found) -> str:
    """A paragraph for each that is not met."""
    missed = [b for b in BUDGETS if b.bench in everything and not b.met(everything)]
    return "\n\n".join(f"**{budget.what}**: {budget.reason}" for budget in missed)


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


def _peak(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(found[kind].values()))


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


_INIT = (
    "some 24 ms come on top of 95, and two thirds of them are the making of classes, before a line"
    " of ours has run. 7 are `importlib.metadata`, which pydantic imports with the first model that"
    " is made, so that a floor without a model does not have it; 8 are the methods that the"
    " standard library compiles for 38 dataclasses, at 0.2 apiece; the validators of 6 models, of"
    " chatd.toml and of what is asked, take some 3. What a chat may not need is loaded when one"
    " does. To put off the rest would better the number and not the wait: the first chat needs it,"
    " and it has a share of a processor where a start has a whole one."
)
_WARM = (
    "this is the dearest of the six ways through the gateway, OpenAI's surface to a provider of"
    " OpenAI's dialect, whose shortest stream is five events where Ollama's is two."
)
_ALONE = (
    "our own work on a chunk is what the row above says. A chunk that comes by itself finds every"
    " cache cold: to bare urllib3 too it then costs several times as much (*its floor*, below)."
)
BUDGETS = (
    Budget(
        "init, over importing its libraries",
        "init",
        _init,
        1.15,
        "{:.2f} ×",
        reason=_INIT,
    ),
    Budget(
        "a warm request over bare urllib3, median",
        "warm",
        _warm("median"),
        0.2,
        "{:.3f} ms",
        reason=_WARM,
    ),
    Budget("a warm request over bare urllib3, p99", "warm", _warm("p99"), 0.5, "{:.2f} ms"),
    Budget("a streamed chunk", "stream", _chunk("flood"), 30, "{:.0f} µs"),
    Budget(
        "a streamed chunk that comes alone",
        "stream",
        _chunk("trickle"),
        30,
        "{:.0f} µs",
        reason=_ALONE,
    ),
    Budget("memory at rest", "memory", lambda found: float(found["at rest"]), 90, "{:.0f} MB"),
    Budget("what 10,000 requests add to it", "memory", _grown, 2, "{:.1f} MB"),
    Budget("peak over rest, 5 MB of ordinary shape", "peaks", _peak("ordinary"), 150, "{:.0f} MB"),
    Budget("peak over rest, hostile shapes", "peaks", _peak("hostile"), 300, "{:.0f} MB"),
    Budget("code and layer, zipped", "size", _zipped, 20, "{:.1f} MB"),
    Budget("LiteLLM's init, over ours", "peers", _their_init, 20, "{:.0f} ×", at_least=True),
    Budget(
        "LiteLLM's overhead, over ours", "peers", _their_overhead, 10, "{:.0f} ×", at_least=True
    ),
    Budget("exponent of time", "growth", _steepest("time_exponent"), 1.1, "{:.2f}"),
    Budget("exponent of memory", "growth", _steepest("memory_exponent"), 1.1, "{:.2f}"),
)
