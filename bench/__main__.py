"""`make bench`: measure the gateway against floors and peers, and keep what was found.

The figures go to docs/performance.json, and `make docs` writes docs/performance.md from them. Each
is a ratio of two things measured in turn in one run, so that whatever else the machine does falls
on both; times by themselves say little.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from bench import guard, target
from bench.measures import growth, init, memory, peaks, peers, profile, size, stream, warm
from bench.report import results, tables
from bench.target import BenchError, Target

Measure = Callable[..., dict[str, Any]]
BENCHES: dict[str, tuple[Measure, str]] = {
    "init": (init.measure, "a fresh process until it can serve, against its libraries alone"),
    "warm": (warm.measure, "one invocation, over the same call with bare urllib3"),
    "stream": (stream.measure, "the first token, and our time a chunk"),
    "memory": (memory.measure, "resident memory at rest and after 10,000 requests"),
    "peaks": (peaks.measure, "what one request of 5 MB adds to the memory at rest"),
    "size": (size.measure, "code and layer, and three ways to have boto3"),
    "peers": (peers.measure, "LiteLLM and FastAPI around the same call, on the same upstream"),
    "growth": (growth.measure, "time and memory against the size of the input"),
    "spread": (guard.spread, "the guard's ratios twenty times over, and what they may vary by"),
    "profile": (profile.measure, "where a warm request spends its time; only shown"),
}
KEPT = [name for name in BENCHES if name != "profile"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; the exit status."""
    options = _options(arguments)
    try:
        with target.chosen(here=options.here) as where:
            if options.check:
                return guard.check(where)
            print(f"bench: in {where.name}", file=sys.stderr)
            for name in options.names or KEPT:
                keep = name in KEPT and not options.dry
                _run(name, where, quick=options.quick, keep=keep)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _run(name: str, where: Target, *, quick: bool, keep: bool) -> None:
    measure, about = BENCHES[name]
    print(f"bench: {name}: {about} …", file=sys.stderr, flush=True)
    began = time.monotonic()
    found = {"taken": _taken(where), **measure(where, quick=quick)}
    print(f"bench: {name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(tables.SECTIONS[name](found), flush=True)
    if keep:
        results.keep(name, found)


def _taken(where: Target) -> dict[str, str]:
    """When and on what: no name of the machine, since nobody else has it."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "in": where.name,
        "on": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    listed = "\n".join(f"  {name:8}  {about}" for name, (_, about) in BENCHES.items())
    parser = argparse.ArgumentParser(
        prog="make bench",
        description=__doc__,
        epilog=f"benchmarks (make bench BENCH='init warm'; all without):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; all without")
    parser.add_argument("--quick", action="store_true", help="few repetitions, to try it out")
    parser.add_argument("--dry", action="store_true", help="leave docs/performance.json as it is")
    parser.add_argument("--here", action="store_true", help="do without the Lambda image")
    parser.add_argument("--check", action="store_true", help="compare a few with the kept ratios")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHES]:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(BENCHES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
