"""Measure a warm request against the same call with bare urllib3, in turn.

Both read one whole response: bench/inside/stream.py measures the cost of a chunk.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter_ns, process_time_ns
from typing import Any

from bench.inside import gateway, upstream

Call = Callable[[], Any]


def last_request(pool: Any, url: str) -> dict[str, Any]:
    """Return the upstream's last request as arguments of urllib3's `urlopen`."""
    kept = json.loads(pool.request("GET", f"{url}/last").data)
    dropped = ("host", "content-length", "connection", "transfer-encoding")
    return {
        "method": kept["method"],
        "url": url + kept["path"],
        "body": kept["body"].encode(),
        "headers": {
            name: text for name, text in kept["headers"].items() if name.lower() not in dropped
        },
        "retries": False,
    }


def bare(url: str, *, stream: bool = False) -> Call:
    """Return a call that repeats the upstream's last request with bare urllib3.

    Args:
        url: The upstream's URL.
        stream: Whether to read the response in pieces.

    """
    import urllib3  # noqa: PLC0415  # part of the measurement

    pool = urllib3.PoolManager()
    request = last_request(pool, url)

    def whole() -> int:
        return len(pool.urlopen(**request).data)

    def in_pieces() -> int:
        response = pool.urlopen(**request, preload_content=False)
        size = 0
        while data := response.read1(65536, decode_content=True):
            size += len(data)
        response.release_conn()
        return size

    return in_pieces if stream else whole


def in_turn(rounds: int, *calls: Call) -> list[dict[str, list[float]]]:
    """Return each call's wall and processor times in µs; each round makes one of each."""
    taken: list[dict[str, list[float]]] = [{"wall": [], "cpu": []} for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            cpu, wall = process_time_ns(), perf_counter_ns()
            call()
            ended, spent = perf_counter_ns(), process_time_ns()
            times["wall"].append((ended - wall) / 1000)
            times["cpu"].append((spent - cpu) / 1000)
    return taken


def warmed(call: Call, times: int) -> Call:
    """Make a call `times` times; return the call."""
    for _ in range(times):
        call()
    return call


def main(rounds: int, warmup: int) -> dict[str, Any]:
    """Measure every surface with every dialect; return the floor's times and the gateway's."""
    measured: dict[str, Any] = {}
    with upstream.running() as url:
        handler = gateway.load_handler(url)
        for surface, path in gateway.SURFACES.items():
            for dialect in gateway.DIALECTS:
                model = upstream.Model(chunks=1).name
                event = gateway.event(path, gateway.body_of(surface, dialect, model))

                def ours(event: Any = event) -> None:
                    answer = handler(event, gateway.Context())
                    if answer["statusCode"] != 200:  # noqa: PLR2004  # OK
                        raise SystemExit(answer["body"])

                warmed(ours, warmup)
                floor = warmed(bare(url), warmup)
                one, other = in_turn(rounds, floor, ours)
                measured[f"{surface} to {dialect}"] = {"floor": one, "ours": other}
    return measured


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
