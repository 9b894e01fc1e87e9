"""Compare guarded ratios with kept limits (`make bench-check`).

Guarded are ratios of processor times within one run, and growth exponents; never seconds. The
limits come from 20 runs of one commit (`make bench BENCH=spread`).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from bench import libraries
from bench.measures import growth, init, stream, warm
from bench.report import results
from bench.sample_statistics import rounded
from bench.target import Target

RUNS = 20
# A ratio may always exceed the median of the 20 runs by this share: other processors have other
# relative costs than the one that was measured.
_LEAST = 0.15
# A ratio may exceed the median by this multiple of the highest run's distance from it.
_BEYOND = 2.0
# A cost that grows with the input may grow linearly: saving a fixed cost raises the exponent, too.
_LINEAR = 1.15
_GROWS = 0.3
# Attempts before the check fails: a regression exceeds its limit in each of them.
TRIES = 3


def ratios(target: Target) -> dict[str, float]:
    """Measure the guarded ratios, which takes about 15 s."""
    started = target.run(
        "init",
        {
            "rounds": 12,
            "libraries": libraries.statements(),
            "secret": {},
            "only": ["libraries", "handler"],
        },
    )["starts"]
    found = {"init": init.figures(started)["handler"]["ratio"]["cpu"]}
    warmed = target.run("warm", {"rounds": 400, "warmup": 100})
    for name, times in warmed.items():
        found[f"warm, {name}"] = warm.figures(times)["cpu"]["ratio"]
    streamed = target.run("stream", {"rounds": 5, "flood": 2000, "trickle": 20, "starts": 2})
    for name, case in stream.figures(streamed)["cases"].items():
        found[f"chunk, {name}"] = case["flood"]["ratio"]
    samples = target.run("growth", {"rounds": 7, "dialects": ["ollama_chat", "openai_chat"]})
    for name, one in samples.items():
        found[f"growth, {name}"] = growth.figures(one)["time_exponent"]
    return found


def spread(target: Target, *, quick: bool) -> dict[str, Any]:
    """Measure the guarded ratios repeatedly, and compute each one's limit."""
    runs = []
    start = time.monotonic()
    for number in range(3 if quick else RUNS):
        print(f"bench: spread: {number + 1} of {RUNS}", file=sys.stderr, flush=True)
        runs.append(ratios(target))
    return {
        "runs": len(runs),
        "seconds": round((time.monotonic() - start) / len(runs)),
        "ratios": {name: variation(name, [run[name] for run in runs]) for name in runs[0]},
    }


def variation(name: str, values: Sequence[float]) -> dict[str, Any]:
    """Return median, lowest and highest of a ratio or exponent, and the limit that follows."""
    median = statistics.median(values)
    limit = median + max(_LEAST * max(median, 1.0), _BEYOND * (max(values) - median))
    if name.startswith("growth") and median > _GROWS:
        limit = max(limit, _LINEAR)
    return {
        "median": rounded(median),
        "lowest": min(values),
        "highest": max(values),
        "limit": rounded(limit),
    }


def check(target: Target) -> int:
    """Compare with the kept limits; return 1 if a ratio exceeds its limit in every attempt."""
    kept = results.read().get("spread")
    if kept is None:
        print("bench: docs/performance.json has no limits; run `make bench BENCH=spread`")
        return 1
    worse: Mapping[str, float] = {}
    for attempt in range(TRIES):
        found = ratios(target)
        worse = over_limit(found, kept["ratios"])
        _print(found, kept["ratios"], worse)
        if not worse:
            return 0
        if kept["taken"]["in"] != target.name:
            print(f"bench: the limits are for {kept['taken']['in']}, so none is enforced here")
            return 0
        if attempt + 1 < TRIES:
            print("bench: over a limit; measuring again, since noise rarely repeats")
    print(f"bench: over the limit in {TRIES} attempts: {', '.join(worse)}")
    return 1


def over_limit(found: Mapping[str, float], kept: Mapping[str, Any]) -> dict[str, float]:
    """Return the ratios over their kept limit; a ratio without a kept limit is not compared."""
    return {
        name: value for name, value in found.items() if name in kept and value > kept[name]["limit"]
    }


def _print(found: Mapping[str, float], kept: Mapping[str, Any], worse: Mapping[str, float]) -> None:
    for name, value in found.items():
        limit = f"{kept[name]['limit']:6.3f}" if name in kept else "  none"
        mark = "WORSE" if name in worse else "ok"
        print(f"  {name:32} {value:6.3f}  limit {limit}  {mark}")
