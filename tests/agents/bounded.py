"""Run a program until it ends, a time limit passes, or the caller of this program ends.

Usage: `python bounded.py SECONDS COMMAND…`. Standard input is a pipe that the caller keeps open.
The program runs in a process group of its own, which is killed as a whole.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

TIMED_OUT = 124


def main(seconds: float, command: list[str]) -> int:
    """Return the program's exit status, or 124 after the time limit or the end of the caller."""
    end = time.monotonic() + seconds
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as program:
        try:
            while (status := program.poll()) is None:
                caller_ended = bool(select.select([sys.stdin], [], [], 0.05)[0])
                if caller_ended or time.monotonic() > end:
                    return TIMED_OUT
            return status
        finally:
            with suppress(ProcessLookupError):  # all processes of the group have ended
                os.killpg(program.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
