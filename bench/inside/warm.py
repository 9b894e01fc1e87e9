"""A warm request against the same call with bare urllib3, in turn, one after the other.

Both exchange one whole answer, so that the cost of a request is measured apart from the cost of a
chunk, which bench/inside/stream.py measures.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from time import perf_counter_ns, process_time_ns
from typing import Any

from bench.inside import gateway, upstream

Call = Callable[[], Any]


def last(pool: Any, url: str) -> dict[str, Any]:
    """The upstream's last request, as urllib3 takes one."""
    asked = json.loads(pool.request("GET", f"{url}/last").data)
    dropped = ("host", "content-length", "connection", "transfer-encoding")
    return {
        "method": asked["method"],
        "url": url + asked["path"],
        "body": asked["body"].encode(),
        "headers": {
            name: text for name, text in asked["headers"].items() if name.lower() not in dropped
        },
        "retries": False,
    }


def bare(url: str, *, stream: bool = False) -> Call:
    """The upstream's last request, ready to be sent again by urllib3 alone.

    Args:
        url: The upstream.
        stream: Whether to read the response bit by bit.

    """
    import urllib3  # noqa: PLC0415  # it is part of what is measured

    pool = urllib3.PoolManager()
    request = last(pool, url)

    def whole() -> int:
        return len(pool.urlopen(**request).data)

    def bit_by_bit() -> int:
        response = pool.urlopen(**request, preload_content=False)
        size = 0
        while data := response.read1(65536, decode_content=True):
            size += len(data)
        response.release_conn()
        return size

    return bit_by_bit if stream else whole


def in_turn(rounds: int, *calls: Call) -> list[dict[str, list[float]]]:
    """Each call's wall and processor time, in microseconds; one of each in every round."""
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
    """A call that was made some times already."""
    for _ in range(times):
        call()
    return call


def main(rounds: int, warmup: int) -> dict[str, Any]:
    """Measure every surface with every dialect."""
    measured: dict[str, Any] = {}
    with upstream.running() as url:
        handler = gateway.settle(url)
        for surface, path in gateway.SURFACES.items():
            for dialect in gateway.DIALECTS:
                event = gateway.event(path, gateway.ask(dialect, upstream.Model(chunks=1).name))

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
