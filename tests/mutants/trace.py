"""Record which test runs which line, once, by coverage of the tests that run in one process."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from coverage import CoverageData

# Tests that mostly run in their own process, and take minutes and not hours.
_TRACED = (
    "tests/chatd",
    "tests/contract",
    "tests/authorizer/test_app.py",
    "tests/chatd/access/test_caller_keys.py",
)
# The most tests of a mutant besides its module's own, for the duration.
_MOST = 150


def taken(root: Path, file: Path) -> Trace:
    """Return the trace of a repository's tests; run the tests if the file is missing.

    Args:
        root: The repository or a copy.
        file: The file of coverage's data.

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
    """The tests that run each line.

    Args:
        data: Data of coverage, with a context per test.

    """

    def __init__(self, data: CoverageData) -> None:
        self._data = data

    def tests(self, path: str, lines: Iterable[int]) -> list[str]:
        """Return the tests that run one of these lines; of many, a constant sample.

        A line that runs at import belongs to no test: then all tests of the module.
        """
        contexts: dict[int, list[str]] = self._data.contexts_by_lineno(self._name_of(path))
        found = {test for line in lines for test in _functions(contexts.get(line, []))}
        if not found:
            found = {test for tests in contexts.values() for test in _functions(tests)}
        known = sorted(found)
        random.Random(0).shuffle(known)  # noqa: S311  # an order, not a secret
        return sorted(known[:_MOST])

    def _name_of(self, path: str) -> str:
        """Return the module's name in coverage's data."""
        return next((name for name in self._data.measured_files() if name.endswith(f"/{path}")), "")


def _functions(contexts: Iterable[str]) -> set[str]:
    """Return the test functions of coverage's contexts, without their parameters."""
    return {context.partition("|")[0].partition("[")[0] for context in contexts if context}
