"""One side of a comparison, in a process of its own: it starts, then answers when it is told to.

The interpreter's paths say whose packages it has. It reads a number a line and makes so many calls
of its handler, each timed; `bench.inside.peers` takes turns.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable
from time import perf_counter_ns, process_time_ns
from typing import Any

from bench.inside import gateway, memory

Call = Callable[[], Any]


def bare() -> Call:
    """The call itself: urllib3 and nothing else."""
    import urllib3  # noqa: PLC0415  # timed

    pool = urllib3.PoolManager()
    url = os.environ["UPSTREAM_URL"] + "/chat/completions"
    body = os.environ["BODY"].encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway.KEY}"}
    return lambda: pool.urlopen("POST", url, body=body, headers=headers).data


def chatd() -> Call:
    """The chat function."""
    from chat.app import lambda_handler  # noqa: PLC0415  # timed

    return _asking(lambda_handler, "openrouter/")


def peer(module: str, start: str) -> Callable[[], Call]:
    """A handler of `bench.peers`."""

    def started() -> Call:
        return _asking(getattr(importlib.import_module(f"bench.peers.{module}"), start)())

    return started


def _asking(handler: Callable[[Any, Any], Any], prefix: str = "") -> Call:
    body = json.loads(os.environ["BODY"])
    event = gateway.event("/v1/chat/completions", {**body, "model": prefix + body["model"]})
    event["requestContext"]["identity"] = {"sourceIp": "127.0.0.1"}

    def asked() -> None:
        answer = handler(event, gateway.Context())
        if answer["statusCode"] != 200:  # noqa: PLR2004  # OK
            raise SystemExit(str(answer["body"])[:500])

    return asked


SIDES: dict[str, Callable[[], Call]] = {
    "bare": bare,
    "chatd": chatd,
    "fastapi": peer("fastapi_app", "started"),
    "litellm": peer("litellm_app", "started"),
    "litellm as shipped": peer("litellm_app", "shipped"),
}


def _measured(call: Call) -> tuple[float, float]:
    cpu, wall = process_time_ns(), perf_counter_ns()
    call()
    ended, spent = perf_counter_ns(), process_time_ns()
    return (ended - wall) / 1000, (spent - cpu) / 1000


def main(side: str) -> None:
    """Start, tell how long that took, and answer until there is nobody to tell."""
    gateway.mute()
    made: list[Call] = []
    wall, cpu = _measured(lambda: made.append(SIDES[side]()))
    started = memory.resident()
    first_wall, first_cpu = _measured(made[0])
    gateway.report(
        {
            "init": {"wall": wall, "cpu": cpu},
            "first": {"wall": wall + first_wall, "cpu": cpu + first_cpu},
            "started": started,
            "at rest": memory.resident(),
        }
    )
    for line in sys.stdin:
        times = [_measured(made[0]) for _ in range(int(line))]
        gateway.report(
            {
                "wall": [wall for wall, _ in times],
                "cpu": [cpu for _, cpu in times],
                "resident": memory.resident(),
            }
        )


if __name__ == "__main__":
    main(sys.argv[1])
