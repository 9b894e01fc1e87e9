"""`make bench`: measure the gateway against floors and peers, and keep the figures.

The figures go to docs/performance.json; `make docs` writes docs/performance.md from them. Each is a
ratio of two measurements taken in turn in one run, so other load on the machine affects both.
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
    "init": (init.measure, "start of a fresh process, against the import of its libraries"),
    "warm": (warm.measure, "one invocation, over the same call with bare urllib3"),
    "stream": (stream.measure, "time to first token, and processor time per chunk"),
    "memory": (memory.measure, "resident memory at rest and after 10,000 requests"),
    "peaks": (peaks.measure, "peak memory of one 5 MB request, over memory at rest"),
    "size": (size.measure, "code and layer, and three ways to provide boto3"),
    "peers": (peers.measure, "LiteLLM and FastAPI with the same call and the same upstream"),
    "growth": (growth.measure, "growth of time and memory with the size of the input"),
    "spread": (guard.spread, "20 runs of the guarded ratios, and the limits that follow"),
    "profile": (profile.measure, "functions in which a warm request spends its time; not kept"),
}
KEPT = [name for name in BENCHES if name != "profile"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that the arguments name; return the exit status."""
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
    start = time.monotonic()
    found = {"taken": _taken(where), **measure(where, quick=quick)}
    print(f"bench: {name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    print(tables.SECTIONS[name](found), flush=True)
    if keep:
        results.keep(name, found)


def _taken(where: Target) -> dict[str, str]:
    """Return date, target, system and core count of a run, without the machine's name."""
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
        epilog=f"benchmarks (make bench BENCH='init warm'; default: all):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks to run; default: all")
    parser.add_argument("--quick", action="store_true", help="few repetitions, for a trial run")
    parser.add_argument("--dry", action="store_true", help="do not write docs/performance.json")
    parser.add_argument("--here", action="store_true", help="do not use the Lambda image")
    parser.add_argument(
        "--check", action="store_true", help="compare guarded ratios with their limits"
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHES]:
        parser.error(f"unknown benchmark {unknown[0]!r}; choose from {', '.join(BENCHES)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
