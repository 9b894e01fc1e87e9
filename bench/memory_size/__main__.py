"""Measure start and chat of the chat function at each memory size.

Lambda gives a function processor time in proportion to its memory, one vCPU at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). Here containers of the
Lambda image get those shares, in turn and in rounds, so other load on the machine affects all sizes
alike: the result is the ratios between sizes, not the times.

    make build ARCH=x86_64
    python -m bench.memory_size            # as JSON
    python -m bench.memory_size --write    # also to docs/memory-size.json, for docs/cost.md

It also measures the memory of the processes that Managed Instances fork.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.memory_size import containers
from bench.memory_size.containers import VCPU_MB, container, memory, run_in
from bench.memory_size.services import TIMEOUT, running_services

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs" / "memory-size.json"
SIZES = (256, 512, 1024, VCPU_MB)
PROCESSES = 32
_WARM = 30
_LARGE_BYTES = 5_000_000
_SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}


@dataclass(frozen=True, slots=True)
class Figures:
    """Times and memory of one container.

    Attributes:
        init: Seconds from the start of the process to its first request for an event.
        first: Seconds of the first chat, with its key in Secrets Manager.
        restored: Seconds of the first chat with SnapStart.
        warm: Seconds of a later chat, as the median of 30.
        resident: MB of resident memory after these chats.
        peak: MB of resident memory at the peak, after a chat of 5 MB.

    """

    init: float
    first: float
    restored: float
    warm: float
    resident: float
    peak: float


def measure(size: int) -> Figures:
    """Start the function in a container of `size` MB, and measure its chats.

    Raises:
        RuntimeError: If the container or a chat fails.

    """
    with running_services() as services, container(size, services) as (name, process):
        assert process.stdout is not None  # noqa: S101  # stdout=PIPE
        start = int(process.stdout.readline() or 0) / 1e9
        init = services.polled.get(timeout=TIMEOUT) - start
        first = services.chat()
        warm = statistics.median(services.chat() for _ in range(_WARM))
        resident = memory(name)["VmRSS"]
        services.chat(_LARGE_BYTES // len("word "))
        peak = memory(name)["VmHWM"]
    with running_services() as services, container(size, services, _SNAP_START):
        services.polled.get(timeout=TIMEOUT)
        restored = services.chat()
    return Figures(init, first, restored, warm, resident, peak)


def process_memory() -> dict[str, float]:
    """Return the number of processes with concurrent chats, and the MB of each.

    Each process counts its proportion of a shared page (PSS).

    Raises:
        RuntimeError: If the container or a chat fails.

    """
    many = {"AWS_LAMBDA_MAX_CONCURRENCY": str(PROCESSES)}
    with running_services() as services, container(4096, services, many) as (name, _process):
        for _ in range(2):
            services.chats(PROCESSES)
        rollups = run_in(name, "cat /proc/[0-9]*/smaps_rollup 2>/dev/null")
    pss = [line.split()[1] for line in rollups.splitlines() if line.startswith("Pss:")]
    return {"count": PROCESSES, "each": round(sum(map(int, pss)) / 1024 / PROCESSES, 1)}


def table(rounds: Sequence[Mapping[int, Figures]]) -> dict[str, dict[str, float]]:
    """Return the medians over all rounds by size; a time of 1 is a start with a whole vCPU.

    A ratio is taken within its round, where both sides had the same load.
    """

    def ratio(size: int, name: str) -> float:
        values: list[float] = [getattr(r[size], name) / r[VCPU_MB].init for r in rounds]
        return round(statistics.median(values), 3)

    def median(size: int, name: str) -> float:
        values: list[float] = [getattr(r[size], name) for r in rounds]
        return round(statistics.median(values), 1)

    return {
        str(size): {
            **{name: ratio(size, name) for name in ("init", "first", "restored", "warm")},
            **{name: median(size, name) for name in ("resident", "peak")},
        }
        for size in SIZES
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the result; return 1 without a build."""
    parser = argparse.ArgumentParser(prog="python -m bench.memory_size", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=7, help="rounds of one start per size (7)")
    parser.add_argument("--write", action="store_true", help=f"write {RESULT.relative_to(ROOT)}")
    options = parser.parse_args(arguments)
    if not (containers.BUILD / "ChatFunction").is_dir():
        print("bench: no build: run make build ARCH=x86_64", file=sys.stderr)
        return 1
    rounds: list[dict[int, Figures]] = []
    for number in range(options.rounds):
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        rounds.append({size: measure(size) for size in SIZES})
    result: dict[str, Any] = {
        "rounds": options.rounds,
        "sizes": table(rounds),
        "unit_ms": round(1000 * statistics.median(r[VCPU_MB].init for r in rounds)),
        "processes": process_memory(),
    }
    print(json.dumps(result, indent=2))
    if options.write:
        RESULT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
