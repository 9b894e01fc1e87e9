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


_SAME_DIALECT = (
    "openai to openai_chat",
    "messages to anthropic_messages",
    "responses to openai_responses",
)


def _init(found: Found) -> float:
    return float(found["starts"]["handler"]["ratio"]["cpu"])


def _first_use(found: Found) -> float:
    """Return the highest ratio of the first chats that have a floor of another first chat."""
    starts = found["starts"].items()
    return float(
        max(
            start["ratio"]["cpu"]
            for name, start in starts
            if name.startswith(("first chat by", "first chat to")) and "ratio" in start
        )
    )


def _warm(found: Found) -> float:
    return float(max(case["cpu"]["ratio"] for case in found["cases"].values()))


def _warm_same_dialect(found: Found) -> float:
    cases = found["cases"]
    return float(max(cases[name]["cpu"]["ratio"] for name in _SAME_DIALECT))


def _warm_p99(found: Found) -> float:
    over = [case["wall"]["overhead"]["p99"] for case in found["cases"].values()]
    return float(max(over)) / 1000


def _chunk(kind: str) -> Callable[[Found], float]:
    return lambda found: float(max(case[kind]["ratio"] for case in found["cases"].values()))


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
    "init takes some 39 ms more than the floor's 103 ms; two thirds of them create classes, before"
    " any code of the gateway runs. `importlib.metadata`, which pydantic imports with the first"
    " model, takes 7 ms; a floor without a model does not include them. The methods that the"
    " standard library compiles for 54 dataclasses take some 11 ms, 0.2 ms each. The validators of"
    " 6 models, for chatd.toml, take some 4 ms. The ratio was 1.23 with 54 modules and 38"
    " dataclasses; the content blocks, the stream's frames and the smaller modules of the package's"
    " folders made 72 modules and 51 dataclasses of them. Messages and Responses added 6 modules, 3"
    " dataclasses and 8 keys of a provider's table. Code that only some chats need is"
    " imported by the first of those chats. To import the rest later would improve the figure and"
    " lengthen the wait: the first chat needs these modules, and has a share of a processor where"
    " init has a whole one."
)
_WARM = (
    "the gateway adds 200 to 250 µs of processor time, and no single step takes most of them. In a"
    " profile (`make bench BENCH=profile`) urllib3 itself takes half of a request, the log line and"
    " the metrics 6 %, reading the caller's request 3 %, reading the response 3 %; no other"
    " function of the gateway takes more than 2 %."
)
_SAME = (
    "as in the row above: forwarding the caller's JSON and the provider's JSON takes 3 µs less for"
    " each than rebuilding them, of 250 µs."
)
_CHUNK = (
    "each chunk is parsed and written as JSON once, so that NaN, errors and usage are found; 3 µs"
    " of its 8 to 12."
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
        "a first chat by a further surface or dialect, over one without it",
        "init",
        _first_use,
        1.08,
        "{:.2f} ×",
    ),
    Budget(
        "a warm request over bare urllib3, slowest pair",
        "warm",
        _warm,
        1.75,
        "{:.2f} ×",
        reason=_WARM,
    ),
    Budget(
        "a warm request over bare urllib3, same dialect at both ends",
        "warm",
        _warm_same_dialect,
        1.6,
        "{:.2f} ×",
        reason=_SAME,
    ),
    Budget("a warm request over bare urllib3, p99", "warm", _warm_p99, 0.5, "{:.2f} ms"),
    Budget(
        "a streamed chunk over reading its bytes",
        "stream",
        _chunk("flood"),
        3.5,
        "{:.1f} ×",
        reason=_CHUNK,
    ),
    Budget(
        "a streamed chunk that arrives alone, over reading its bytes",
        "stream",
        _chunk("trickle"),
        1.5,
        "{:.1f} ×",
        reason=_ALONE,
    ),
    Budget("memory at rest", "memory", lambda found: float(found["at rest"]), 45, "{:.0f} MB"),
    Budget("memory that 10,000 requests add", "memory", _grown, 1, "{:.1f} MB"),
    Budget("peak over rest, 5 MB of ordinary shape", "peaks", _peak("ordinary"), 150, "{:.0f} MB"),
    Budget("peak over rest, hostile shapes", "peaks", _peak("hostile"), 300, "{:.0f} MB"),
    Budget("code and layer, zipped", "size", _zipped, 10, "{:.1f} MB"),
    Budget("LiteLLM's init, over ours", "peers", _litellm_init, 30, "{:.0f} ×", at_least=True),
    Budget(
        "LiteLLM's overhead, over ours", "peers", _litellm_overhead, 20, "{:.0f} ×", at_least=True
    ),
    Budget("exponent of time", "growth", _steepest("time_exponent"), 1.1, "{:.2f}"),
    Budget("exponent of memory", "growth", _steepest("memory_exponent"), 1.1, "{:.2f}"),
)
