"""Find code without bytecode for Lambda's Python at the end of `make build`."""

from __future__ import annotations

import sys
from pathlib import Path

_WARNING = """\

WARNING: no bytecode for Lambda's Python 3.13 in {names}.
Every cold start compiles each imported module and takes two to three times as long.
Install python3.13 (or run docker pull public.ecr.aws/lambda/python:3.13), then build again.
"""


def without_bytecode(build: Path) -> list[str]:
    """List the functions and layers with Python files not compiled for 3.13."""
    return sorted(
        folder.name
        for folder in build.iterdir()
        if folder.is_dir()
        and any(not _compiled(source) for source in folder.rglob("*.py") if source.stat().st_size)
    )


def main(build: str) -> int:
    """Print the functions and layers without bytecode; return 0, since the build still works."""
    names = without_bytecode(Path(build))
    if names:
        sys.stderr.write(_WARNING.format(names=", ".join(names)))
    else:
        print("All code is compiled for Lambda's Python 3.13.")
    return 0


def _compiled(source: Path) -> bool:
    return (source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc").is_file()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
