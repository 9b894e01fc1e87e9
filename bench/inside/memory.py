"""Measure resident memory at rest, and after many chats, streams and failures.

Resident memory is read from /proc where present, else from `ps`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.inside import gateway, upstream

_STATUS = Path("/proc/self/status")


def resident() -> float:
    """Return the resident memory of this process in MB."""
    if _STATUS.exists():
        lines = _STATUS.read_text("ascii").splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    else:
        kilobytes = subprocess.check_output(
            ["ps", "-o", "rss=", "-p", str(os.getpid())],
            text=True,
        )
    return int(kilobytes) / 1024


def libraries(statements: Sequence[str]) -> dict[str, Any]:
    """Return resident memory in MB, before and after the import of the floor's libraries."""
    bare = resident()
    for statement in statements:
        exec(statement)  # noqa: S102  # statements of bench/libraries.toml
    return {"bare": bare, "libraries": resident()}


def main(requests: int, streams: int, failures: int, libraries: Sequence[str]) -> dict[str, Any]:
    """Return resident memory in MB at each step; `streams` of the requests are streamed."""
    if libraries:
        return globals()["libraries"](libraries)  # type: ignore[no-any-return]
    found: dict[str, Any] = {"bare": resident()}
    with upstream.running() as url:
        handler = gateway.load_handler(url)
        found["imported"] = resident()
        plain, streamed, refused = (
            [_event(dialect, model, stream=stream) for dialect in gateway.DIALECTS]
            for model, stream in (
                (upstream.Model(), False),
                (upstream.Model(chunks=50), True),
                (upstream.Model(status=404), False),
            )
        )

        def answered(events: Sequence[Any], times: int, status: int = 200) -> None:
            for number in range(times):
                answer = handler(events[number % len(events)], gateway.Context())
                if hasattr(answer, "write_to"):
                    answer.write_to(sink := gateway.Sink())
                    got = sink.status
                else:
                    got = answer["statusCode"]
                if got != status:
                    raise SystemExit(f"{got} instead of {status}")

        answered(plain, 1)
        found["at rest"] = resident()
        steps = 10
        found["course"] = [found["at rest"]]
        for _ in range(steps):
            answered(plain, (requests - streams) // steps)
            answered(streamed, streams // steps)
            found["course"].append(resident())
        found["after requests"] = resident()
        answered(refused, failures, 502)
        found["after failures"] = resident()
    return found


def _event(dialect: str, model: upstream.Model, *, stream: bool) -> Any:
    body = gateway.chat_body(dialect, model.name)
    return gateway.event("/v1/chat", {**body, "stream": True} if stream else body)


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
