"""Run tests against mutants in a copy of the repository, one after the other."""

from __future__ import annotations

import os
import re
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

# Timeout of a test run in seconds; a mutant that exceeds the timeout counts as killed.
_LONGEST_SECONDS = 300.0
_PYTEST = [
    *(sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--hypothesis-seed=0"),
    *("-p", "no:cacheprovider"),
]
# Parts of the repository that tests do not need.
_LEFT_OUT = {
    ".mutants",
    ".aws-sam",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a mutant.

    Attributes:
        mutant: The mutant.
        killer: The failing test, or the reason for the end of the run; None for a survivor.
        took: Duration in seconds.

    """

    mutant: Mutant
    killer: str | None
    took: float


class UnsoundError(Exception):
    """Tests fail without a change, so their result is meaningless; the message names a test."""


class Copy:
    """A copy of the repository, in which modules are changed and restored."""

    def __init__(self, root: Path, trace: Trace | None = None) -> None:
        self.root = root
        self._trace = trace
        # Tests that passed without a change.
        self._sound: set[str] = set()

    def judge(self, mutant: Mutant) -> Verdict:
        """Run the tests of a mutant's module, then the tests that run the changed line.

        Raises:
            UnsoundError: If the failing test also fails without the change.

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
        """Run the killing test, or all tests after a timeout, without the mutant.

        On a loaded machine tests may exceed the timeout without a change.
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
        """Return the first failing test, or why the run ended; None if all tests pass."""
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
            os.killpg(
                process.pid, signal.SIGKILL
            )  # its own session, with the processes that the tests started
            process.communicate()  # closes its output, too
            return f"took more than {_LONGEST_SECONDS:.0f} s"
        if process.returncode == 0:
            return None
        return _first_failure(output) or f"pytest ended with {process.returncode}"


@contextmanager
def copied(root: Path, trace: Path | None) -> Iterator[Copy]:
    """Copy the repository while the block lasts.

    Args:
        root: The repository.
        trace: The file of the tests' trace, taken if missing; None for no trace.

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
    """Return the failing test function, without its parameters; skip captured log lines."""
    found = re.search(r"^(?:FAILED|ERROR) (\S+\.py\S*?)(?:\[| - |$)", output, re.MULTILINE)
    return None if found is None else found[1]
