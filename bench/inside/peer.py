"""Run one handler of the comparison in a process of its own; `bench.inside.peers` takes turns.

PYTHONPATH selects the packages. Each line of standard input is a number of calls to make and time.
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
    """Return the call with bare urllib3."""
    import urllib3  # noqa: PLC0415  # timed

    pool = urllib3.PoolManager()
    url = os.environ["UPSTREAM_URL"] + "/chat/completions"
    body = os.environ["BODY"].encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {gateway.KEY}"}
    return lambda: pool.urlopen("POST", url, body=body, headers=headers).data


def chatd() -> Call:
    """Return a call of the chat function."""
    from chat.app import lambda_handler  # noqa: PLC0415  # timed

    return _handler_call(lambda_handler, "openrouter/")


def peer(module: str, start: str) -> Callable[[], Call]:
    """Return the starter of a handler in `bench.peers`."""

    def started() -> Call:
        return _handler_call(getattr(importlib.import_module(f"bench.peers.{module}"), start)())

    return started


def _handler_call(handler: Callable[[Any, Any], Any], prefix: str = "") -> Call:
    body = json.loads(os.environ["BODY"])
    event = gateway.event("/v1/chat/completions", {**body, "model": prefix + body["model"]})
    event["requestContext"]["identity"] = {"sourceIp": "127.0.0.1"}

    def call() -> None:
        answer = handler(event, gateway.Context())
        if answer["statusCode"] != 200:  # noqa: PLR2004  # OK
            raise SystemExit(str(answer["body"])[:500])

    return call


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
    """Start a handler, report its start times, and make calls until standard input ends."""
    gateway.discard_output()
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
