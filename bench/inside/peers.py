"""Measure the gateway and its peers in turn, each in a process of its own, on one upstream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.inside import gateway, upstream


class SideEndedError(Exception):
    """A handler's process ended before its report."""


class Side:
    """A process that calls one handler on request."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.start = self._report()

    def calls(self, number: int) -> dict[str, Any]:
        """Make `number` calls; return their times in µs, and the resident memory in MB."""
        assert self._process.stdin is not None  # noqa: S101  # stdin=PIPE
        print(number, file=self._process.stdin, flush=True)
        return self._report()

    def _report(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  # stdout=PIPE
        line = self._process.stdout.readline()
        if not line:
            raise SideEndedError(f"{self._process.args!r} ended")
        return json.loads(line)  # type: ignore[no-any-return]  # an object


@contextmanager
def side(name: str, env: Mapping[str, str]) -> Iterator[Side]:
    """Run a handler's process while the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.inside.peer", name],
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(log := tempfile.TemporaryFile()),  # noqa: SIM115  # as long as the process
        text=True,
    )
    try:
        yield Side(process)
    except SideEndedError:
        log.seek(0)
        sys.stderr.buffer.write(log.read()[-4000:])
        raise
    finally:
        process.kill()
        process.wait()


def environments(url: str, paths: Mapping[str, str], quiet: Mapping[str, str]) -> dict[str, Any]:
    """Return each process's environment, with its packages and the upstream's URL."""
    body = {
        "model": "bench",
        "messages": [{"role": "user", "content": "Why is the sky blue?"}],
    }
    same = {
        **os.environ,
        **gateway.environment(url),
        **quiet,
        "UPSTREAM_URL": f"{url}/v1",
        "UPSTREAM_KEY": gateway.KEY,
        "BODY": json.dumps(body),
    }
    return {name: {**same, "PYTHONPATH": path} for name, path in paths.items()}


def main(
    starts: int, rounds: int, block: int, paths: Mapping[str, str], quiet: Mapping[str, str]
) -> dict[str, Any]:
    """Measure every handler.

    Args:
        starts: Number of starts of each process.
        rounds: Number of turns of each process.
        block: Calls in a turn.
        paths: PYTHONPATH of each handler.
        quiet: Variables that switch off the peers' other work.

    """
    with upstream.running() as url:
        envs = environments(url, paths, quiet)
        cold: dict[str, list[Any]] = {name: [] for name in envs}
        for _ in range(starts):
            for name, env in envs.items():
                with side(name, env) as one:
                    cold[name].append(one.start)
        return {"cold": cold, "warm": _warm(envs, rounds, block)}


def _warm(envs: Mapping[str, Mapping[str, str]], rounds: int, block: int) -> dict[str, Any]:
    taken: dict[str, Any] = {name: {"wall": [], "cpu": [], "resident": []} for name in envs}
    with ExitStack() as stack:
        sides = {name: stack.enter_context(side(name, env)) for name, env in envs.items()}
        for number in range(rounds + 1):
            for name, one in sides.items():
                report = one.calls(block)
                if number:  # the first turn warms up
                    taken[name]["wall"] += report["wall"]
                    taken[name]["cpu"] += report["cpu"]
                    taken[name]["resident"].append(report["resident"])
    return taken


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
