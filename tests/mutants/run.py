"""Runs tests against mutants in a copy of the repository, one after the other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutants import Mutant
from tests.mutants.selection import nearest, others
from tests.mutants.trace import Trace, taken

# Seconds that some tests may take; a mutant that makes them take longer has been noticed.
_LONGEST_SECONDS = 300.0
_PYTEST = [
    *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--hypothesis-seed=0"),
    *("-p", "no:cacheprovider"),
]
# What of the repository tests do without.
_LEFT_OUT = {
    ".git",
    ".mutants",
    ".aws-sam",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        mutant: The mutant.
        killer: The test that failed, or why the run was ended; None if it survived.
        took: Seconds.

    """

    mutant: Mutant
    killer: str | None
    took: float


class UnsoundError(Exception):
    """Tests that fail without a change: nothing can be learned by them. The message names one."""


class Copy:
    """A copy of the repository, whose modules are changed and put back."""

    def __init__(self, root: Path, trace: Trace | None = None) -> None:
        self.root = root
        self._trace = trace
        # The tests that are known to pass without a change.
        self._sound: set[str] = set()

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the tests of a mutant's module, and if they pass those that run its line.

        Raises:
            UnsoundError: If the test that fails does so without the change.

        """
        started = time.monotonic()
        for tests in filter(None, self._steps(mutant)):
            with self._changed(mutant):
                killer = self._failure(tests)
            if killer:
                self._check(killer, tests)
                return Verdict(mutant, killer, time.monotonic() - started)
        return Verdict(mutant, None, time.monotonic() - started)

    def _steps(self, mutant: Mutant) -> Iterator[list[str]]:
        named, importing = nearest(self.root, mutant.path)
        yield named
        yield others(mutant.path)
        if self._trace is not None or not named:
            yield importing
        if self._trace is not None:
            yield self._trace.tests(mutant.path, range(mutant.line, mutant.last_line + 1))

    def _check(self, killer: str, tests: Sequence[str]) -> None:
        """Run what noticed a mutant without the mutant: the test, or all tests that took too long.

        On a loaded machine tests may take too long without a change.
        """
        again = [killer] if "::" in killer else list(tests)
        known = killer if "::" in killer else " ".join(again)
        if known not in self._sound:
            if self._failure(again):
                raise UnsoundError(killer)
            self._sound.add(known)

    @contextmanager
    def _changed(self, mutant: Mutant) -> Iterator[None]:
        file = self.root / mutant.path
        source = file.read_bytes()
        file.write_bytes(mutant.applied(source))
        try:
            yield
        finally:
            file.write_bytes(source)

    def _failure(self, tests: Sequence[str]) -> str | None:
        """The first test that fails, or what else ended the run; None if all pass."""
        process = subprocess.Popen(
            [*_PYTEST, *tests],
            cwd=self.root,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=_LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its own session, with what the tests started
            process.communicate()  # closes its output, too
            return f"took more than {_LONGEST_SECONDS:.0f} s"
        if process.returncode == 0:
            return None
        return _first_failure(output) or f"pytest ended with {process.returncode}"


@contextmanager
def copied(root: Path, trace: Path | None) -> Iterator[Copy]:
    """A copy of the repository for as long as the block lasts.

    Args:
        root: The repository.
        trace: Where the trace of its tests is, or is to be; None to do without.

    """
    with tempfile.TemporaryDirectory(prefix="chatd-mutants-") as folder:
        where = Path(folder) / "chatd"
        shutil.copytree(root, where, symlinks=True, ignore=_ignored)
        for environment in root.glob(".venv*"):
            (where / environment.name).symlink_to(environment.resolve())
        yield Copy(where, None if trace is None else taken(where, trace))


def _ignored(_folder: str, names: list[str]) -> set[str]:
    left_out = _LEFT_OUT & set(names)
    return left_out | {name for name in names if name == "__pycache__" or name.startswith(".venv")}


def _first_failure(output: str) -> str | None:
    """The test function that failed, without its parameters."""
    for line in output.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            return line.split(" ", 1)[1].partition(" - ")[0].partition("[")[0]
    return None
