"""Which test runs which line: taken once, by coverage, of the tests that run in one process."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from coverage import CoverageData

# Those of the whole suite that mostly run in their own process, and take minutes and not hours.
_TRACED = (
    "tests/chatd",
    "tests/contract",
    "tests/authorizer/test_app.py",
    "tests/chatd/access/test_caller_keys.py",
)
# Tests that a mutant is shown to besides its module's own; more would take too long.
_MOST = 150


def taken(root: Path, file: Path) -> Trace:
    """The trace of a repository's tests, which are run for it unless the file is there.

    Args:
        root: The repository, or a copy of it.
        file: Where coverage's data are, or are to be written.

    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        print(f"taking a trace of {', '.join(_TRACED)}; it takes minutes, once", flush=True)
        settings = file.with_suffix(".rc")
        settings.write_text(f"[run]\nsource = functions\ndata_file = {file}\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        options = ["--cov", f"--cov-config={settings}", "--cov-context=test", "--cov-report="]
        subprocess.run([*command, *options, "--hypothesis-seed=0", *_TRACED], cwd=root, check=False)
    data = CoverageData(str(file))
    data.read()
    return Trace(data)


class Trace:
    """Which test runs which line.

    Args:
        data: Of coverage, with a context for each test.

    """

    def __init__(self, data: CoverageData) -> None:
        self._data = data

    def tests(self, path: str, lines: Iterable[int]) -> list[str]:
        """The tests that run one of these lines; of many, a sample that is always the same.

        A line that runs while its module is imported belongs to no test: then all of the module's.
        """
        contexts: dict[int, list[str]] = self._data.contexts_by_lineno(self._name_of(path))
        found = {test for line in lines for test in _functions(contexts.get(line, []))}
        if not found:
            found = {test for tests in contexts.values() for test in _functions(tests)}
        known = sorted(found)
        random.Random(0).shuffle(known)  # noqa: S311  # an order, not a secret
        return sorted(known[:_MOST])

    def _name_of(self, path: str) -> str:
        """The name under which coverage knows a module."""
        return next((name for name in self._data.measured_files() if name.endswith(f"/{path}")), "")


def _functions(contexts: Iterable[str]) -> set[str]:
    """The test functions of coverage's contexts, without their parameters."""
    return {context.partition("|")[0].partition("[")[0] for context in contexts if context}
