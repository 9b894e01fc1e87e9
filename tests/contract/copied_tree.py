"""Copy the repository and add a surface, a dialect or a row to the copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.registries import ROOT

_TOYS = Path(__file__).parent / "toys"
# Seconds for a process to end; far more than it takes.
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the repository's files that Git tracks or would track."""

    root: Path

    def add_toy(self, kind: str, folder: str, line: str, after: str) -> None:
        """Add a folder with one of the toys, and one line to the folder's registry.

        Args:
            kind: `surface` or `dialect`.
            folder: `surfaces` or `dialects`, below the package.
            line: The registry line.
            after: The line of the registry that it follows.

        """
        package = self.root / "functions/chatd" / folder
        (package / "toy").mkdir()
        (package / "toy/__init__.py").write_text('"""Toy."""\n')
        shutil.copy(_TOYS / f"{kind}.py", package / "toy")
        self.insert(package / "__init__.py", line, after)

    def insert(self, file: Path, lines: str, after: str) -> None:
        """Insert lines into a file, after the one place where `after` stands."""
        text = file.read_text("utf-8")
        assert text.count(after) == 1, after
        file.write_text(text.replace(after, f"{after}{lines}"), "utf-8")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy, with the copy's code."""
        paths = os.pathsep.join((str(self.root / "functions"), str(self.root)))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": paths, **environment},
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def value(self, code: str, **environment: str) -> Any:
        """Run code in the copy; return its last printed line, parsed as JSON."""
        done = self.run("-c", code, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


def copied(target: Path) -> Tree:
    """Copy the repository to an empty folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().strip("\0").split("\0"):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    return Tree(target)
