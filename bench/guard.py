"""The guard: a few ratios that a change must not make worse, and by how much they vary by chance.

Only ratios of processor times of one run are compared, and exponents, never seconds. What counts as
noise was measured: the same commit twenty times over (`make bench BENCH=spread`).
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
# A ratio may always be this much worse than the median of the twenty, however little they varied on
# one machine: another processor has other things that it finds dear.
_LEAST = 0.15
# Beyond that it may be as much worse as the worst of the twenty, and as much again.
_BEYOND = 2.0
# What grows with the input may grow as it does; an exponent rises where a fixed cost is saved, too.
_LINEAR = 1.15
_GROWS = 0.3
# What is worse is measured again, so often in all: a regression is there every time.
TRIES = 3


def ratios(target: Target) -> dict[str, float]:
    """The guarded ratios, measured in about 15 s."""
    started = target.run(
        "init",
        {
            "rounds": 12,
            "libraries": libraries.statements(),
            "secret": {},
            "only": ["libraries", "handler"],
        },
    )["starts"]
    found = {"init": init.starts(started)["handler"]["ratio"]["cpu"]}
    warmed = target.run("warm", {"rounds": 400, "warmup": 100})
    for name, times in warmed.items():
        found[f"warm, {name}"] = warm.over(times)["cpu"]["ratio"]
    streamed = target.run("stream", {"rounds": 5, "flood": 2000, "trickle": 20, "starts": 2})
    for name, case in stream.told(streamed)["cases"].items():
        found[f"chunk, {name}"] = case["flood"]["ratio"]
    grown = target.run("growth", {"rounds": 7, "dialects": ["ollama_chat", "openai_chat"]})
    for name, one in grown.items():
        found[f"growth, {name}"] = growth.grown(one)["time_exponent"]
    return found


def spread(target: Target, *, quick: bool) -> dict[str, Any]:
    """Measure them again and again on one commit."""
    runs = []
    began = time.monotonic()
    for number in range(3 if quick else RUNS):
        print(f"bench: spread: {number + 1} of {RUNS}", file=sys.stderr, flush=True)
        runs.append(ratios(target))
    return {
        "runs": len(runs),
        "seconds": round((time.monotonic() - began) / len(runs)),
        "ratios": {name: varied(name, [run[name] for run in runs]) for name in runs[0]},
    }


def varied(name: str, values: Sequence[float]) -> dict[str, Any]:
    """How a ratio or an exponent varied, and from where on it is worse."""
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
    """Compare with what is kept; 1 if something is worse by more than chance explains."""
    kept = results.read().get("spread")
    if kept is None:
        print("bench: nothing is kept to compare with; run `make bench BENCH=spread`")
        return 1
    worse: Mapping[str, float] = {}
    for attempt in range(TRIES):
        found = ratios(target)
        worse = beyond(found, kept["ratios"])
        _tell(found, kept["ratios"], worse)
        if not worse:
            return 0
        if kept["taken"]["in"] != target.name:
            print(f"bench: the kept ratios are of {kept['taken']['in']}, so these are only told")
            return 0
        if attempt + 1 < TRIES:
            print("bench: worse; once more, since chance is worse only now and then")
    print(f"bench: worse {TRIES} times in a row: {', '.join(worse)}")
    return 1


def beyond(found: Mapping[str, float], kept: Mapping[str, Any]) -> dict[str, float]:
    """Those that are worse than chance explains; one that is new is not compared."""
    return {
        name: value for name, value in found.items() if name in kept and value > kept[name]["limit"]
    }


def _tell(found: Mapping[str, float], kept: Mapping[str, Any], worse: Mapping[str, float]) -> None:
    for name, value in found.items():
        limit = f"{kept[name]['limit']:6.3f}" if name in kept else "  none"
        mark = "WORSE" if name in worse else "ok"
        print(f"  {name:32} {value:6.3f}  limit {limit}  {mark}")
