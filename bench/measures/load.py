"""Load the gateway's server and its peers with wrk, over 1, 8 and 32 connections.

The floor is the same load on the upstream itself.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.target import BenchError

CONNECTIONS = (1, 8, 32)
_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[{body}]]
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  io.write(string.format('{{"count": %d, "seconds": %f, "failed": %d, "median": %d, "p99": %d}}',
    summary.requests, summary.duration / 1e6, failed,
    latency:percentile(50), latency:percentile(99)))
end
"""


def available() -> bool:
    """Return whether wrk is installed."""
    return shutil.which("wrk") is not None


def run_wrk(url: str, model: str, scratch: Path, connections: int, seconds: int) -> dict[str, Any]:
    """Load a URL for some seconds.

    Returns:
        `count` of responses, `seconds`, `failed`, and the latency's `median` and `p99` in µs.

    Raises:
        BenchError: If wrk fails, or a response is not 200.

    """
    body = {"model": model, "messages": [{"role": "user", "content": "Why is the sky blue?"}]}
    script = scratch / "load.lua"
    script.write_text(_SCRIPT.format(body=json.dumps(body)), "utf-8")
    done = subprocess.run(
        ["wrk", f"-t{min(connections, 2)}", f"-c{connections}", f"-d{seconds}s", "--timeout=30s",
         f"--script={script}", url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"wrk: {done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.rindex("{") :])
    if found["failed"] or not found["count"]:
        raise BenchError(f"{url}: {found['failed']} of {found['count']} responses failed")
    return found


def in_turn(
    urls: Mapping[str, str], models: Mapping[str, str], scratch: Path, rounds: int, seconds: int
) -> dict[str, dict[str, Sequence[Any]]]:
    """Load each server in turn over each number of connections, for `rounds` rounds."""
    taken: dict[str, dict[str, list[Any]]] = {
        name: {str(number): [] for number in CONNECTIONS} for name in urls
    }
    for _ in range(rounds):
        for number in CONNECTIONS:
            for name, url in urls.items():
                found = run_wrk(url, models.get(name, "bench"), scratch, number, seconds)
                taken[name][str(number)].append(found)
    return {name: dict(by_number) for name, by_number in taken.items()}
