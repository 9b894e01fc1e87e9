"""A program ends with the time limit, or when its caller ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.agents.bounded import TIMED_OUT
from tests.agents.programs import BOUNDED, run
from tests.local.conftest import is_running, until

# Starts a child of its own, and writes both process ids.
_PROGRAM = ("sh", "-c", "sleep 600 & echo $$ $! > pids.new; mv pids.new pids; wait")


def pids(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def test_a_program_gives_its_status_and_output(tmp_path: Path) -> None:
    ended = run([sys.executable, "-c", "print('out'); exit(3)"], tmp_path, {})

    assert (ended.status, ended.output) == (3, "out\n")


def test_the_time_limit_ends_the_program_and_its_children(tmp_path: Path) -> None:
    begun = time.monotonic()
    ended = run(_PROGRAM, tmp_path, {}, limit=3.0)

    assert ended.status == TIMED_OUT
    assert time.monotonic() - begun >= 3.0
    until(lambda: not any(map(is_running, pids(tmp_path))), "the end of both processes")


def test_the_end_of_the_caller_ends_the_program_and_its_children(tmp_path: Path) -> None:
    caller = (
        "import subprocess, sys\n"
        f"command = [sys.executable, {str(BOUNDED)!r}, '600', *{_PROGRAM!r}]\n"
        "subprocess.Popen(command, stdin=subprocess.PIPE).wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", caller], cwd=tmp_path) as process:
        until((tmp_path / "pids").exists, "the start of the program")
        os.kill(process.pid, signal.SIGKILL)

    until(lambda: not any(map(is_running, pids(tmp_path))), "the end of both processes")
