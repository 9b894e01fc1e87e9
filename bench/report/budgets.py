"""List the gateway's budgets, and compare measured figures with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit for one measured figure.

    Attributes:
        name: The figure's name on the page.
        bench: The benchmark that measures the figure.
        value: Reads the figure from that benchmark's result.
        limit: The highest value allowed, or the lowest with `at_least`.
        shown: Format of a value, with its unit.
        at_least: Whether `limit` is a minimum.
        reason: Why the figure misses the limit, if so.

    """

    name: str
    bench: str
    value: Callable[[Found], float]
    limit: float
    shown: str
    at_least: bool = False
    reason: str = ""

    def met(self, results: Found) -> bool:
        """Return whether the measured figure meets the limit."""
        value = self.value(results[self.bench])
        return value >= self.limit if self.at_least else value <= self.limit

    def row(self, results: Found) -> Sequence[str]:
        """Return the table row: name, limit, measured figure, and whether the budget is met."""
        value = self.value(results[self.bench])
        sign = "≥" if self.at_least else "≤"
        limit = f"{sign} {self.shown.format(self.limit)}"
        return (
            self.name,
            limit,
            self.shown.format(value),
            "yes" if self.met(results) else "**no**",
        )


def rows(results: Found) -> list[Sequence[str]]:
    """Return the rows of all budgets with a measured figure."""
    return [budget.row(results) for budget in BUDGETS if budget.bench in results]


def reasons(results: Found) -> str:
    """Return a paragraph with the reason for each missed budget."""
    missed = [b for b in BUDGETS if b.bench in results and not b.met(results)]
    return "\n\n".join(f"**{budget.name}**: {budget.reason}" for budget in missed)


def _init(found: Found) -> float:
    return float(found["starts"]["handler"]["ratio"]["cpu"])


def _warm(share: str) -> Callable[[Found], float]:
    def highest(found: Found) -> float:
        over = [case["wall"]["overhead"][share] for case in found["cases"].values()]
        return float(max(over)) / 1000

    return highest


def _chunk(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(case[kind]["cpu"] for case in found["cases"].values()))


def _grown(found: Found) -> float:
    return float(found["after requests"] - found["at rest"])


def _peak(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(found[kind].values()))


def _zipped(found: Found) -> float:
    return float(found["code"]["zipped"] + found["layer"]["zipped"])


def _litellm_init(found: Found) -> float:
    ours, theirs = (found["handlers"][name]["init"]["cpu"] for name in ("chatd", "litellm"))
    return float(theirs["median"] / ours["median"])


def _litellm_overhead(found: Found) -> float:
    sides = found["handlers"]
    return float(sides["litellm"]["overhead"]["wall"] / sides["chatd"]["overhead"]["wall"])


def _steepest(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(case[kind] for case in found["cases"].values()))


_INIT = (
    "init takes some 24 ms more than the floor's 95 ms; two thirds of them create classes, before"
    " any code of the gateway runs. `importlib.metadata`, which pydantic imports with the first"
    " model, takes 7 ms; a floor without a model does not include them. The methods that the"
    " standard library compiles for 38 dataclasses take 8 ms, 0.2 ms each. The validators of 6"
    " models, for chatd.toml and for requests, take some 3 ms. Code that only some chats need is"
    " imported by the first of those chats. To import the rest later would improve the figure and"
    " lengthen the wait: the first chat needs these modules, and has a share of a processor where"
    " init has a whole one."
)
_WARM = (
    "this is the slowest of the six pairs, OpenAI's surface with a provider of OpenAI's dialect,"
    " measured while the gateway still requested a stream for every chat (before 2026-11-25): the"
    " shortest stream of that dialect has five events, Ollama's has two."
)
_ALONE = (
    "the row above is the gateway's own work on a chunk. A chunk that arrives alone finds every"
    " processor cache cold: bare urllib3 then takes several times as long, too (*floor alone*,"
    " below)."
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
        "a streamed chunk that arrives alone",
        "stream",
        _chunk("trickle"),
        30,
        "{:.0f} µs",
        reason=_ALONE,
    ),
    Budget("memory at rest", "memory", lambda found: float(found["at rest"]), 90, "{:.0f} MB"),
    Budget("memory that 10,000 requests add", "memory", _grown, 2, "{:.1f} MB"),
    Budget("peak over rest, 5 MB of ordinary shape", "peaks", _peak("ordinary"), 150, "{:.0f} MB"),
    Budget("peak over rest, hostile shapes", "peaks", _peak("hostile"), 300, "{:.0f} MB"),
    Budget("code and layer, zipped", "size", _zipped, 20, "{:.1f} MB"),
    Budget("LiteLLM's init, over ours", "peers", _litellm_init, 20, "{:.0f} ×", at_least=True),
    Budget(
        "LiteLLM's overhead, over ours", "peers", _litellm_overhead, 10, "{:.0f} ×", at_least=True
    ),
    Budget("exponent of time", "growth", _steepest("time_exponent"), 1.1, "{:.2f}"),
    Budget("exponent of memory", "growth", _steepest("memory_exponent"), 1.1, "{:.2f}"),
)
