"""The gateway and its peers, each in a process of its own, in turn, on the same upstream."""

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


class SideGoneError(Exception):
    """A side ended where it should have answered."""


class Side:
    """A process that calls one handler when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.start = self._told()

    def calls(self, number: int) -> dict[str, Any]:
        """Make so many calls; what each took."""
        assert self._process.stdin is not None  # noqa: S101  # a pipe was asked for
        print(number, file=self._process.stdin, flush=True)
        return self._told()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  # as above
        line = self._process.stdout.readline()
        if not line:
            raise SideGoneError(f"{self._process.args!r}: it ended")
        return json.loads(line)  # type: ignore[no-any-return]  # an object


@contextmanager
def side(name: str, env: Mapping[str, str]) -> Iterator[Side]:
    """Start a side."""
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
    except SideGoneError:
        log.seek(0)
        sys.stderr.buffer.write(log.read()[-4000:])
        raise
    finally:
        process.kill()
        process.wait()


def environments(url: str, paths: Mapping[str, str], quiet: Mapping[str, str]) -> dict[str, Any]:
    """Each side's environment: its packages, and where the upstream is."""
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
    """Measure every side.

    Args:
        starts: How often each is started anew.
        rounds: How often each has its turn.
        block: Calls in a turn.
        paths: The sides, and what each imports from.
        quiet: Variables that make the peers as quiet as they can be.

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
                told = one.calls(block)
                if number:  # the first turn warms up
                    taken[name]["wall"] += told["wall"]
                    taken[name]["cpu"] += told["cpu"]
                    taken[name]["resident"].append(told["resident"])
    return taken


if __name__ == "__main__":
    gateway.report(main(**json.loads(sys.argv[1])))
