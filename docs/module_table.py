"""Tabulate the package's folders and modules with the summaries of their docstrings."""

from __future__ import annotations

import ast
from pathlib import Path


def table(package: Path) -> str:
    """Tabulate a package: the modules at its top, then each folder and the modules in it.

    Raises:
        ValueError: With the module that has no docstring.

    """
    lines = ["| Module | Duty |", "|---|---|"]
    lines += [_row(f"`{name(file, package)}`", file) for file in _modules(package)]
    for folder in sorted({file.parent for file in package.rglob("*.py")} - {package}):
        lines.append(_row(f"**`{folder.relative_to(package)}/`**", folder / "__init__.py"))
        lines += [_row(f"`{name(file, package)}`", file) for file in _modules(folder)]
    return "\n".join(lines)


def name(file: Path, package: Path) -> str:
    """Give a module's path below its package, without `.py`."""
    return str(file.relative_to(package).with_suffix(""))


def _modules(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")


def _row(label: str, file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_text("utf-8"))) if file.exists() else None
    if not docstring:
        raise ValueError(
            f"{file} needs a docstring: its first line is its duty in the architecture"
        )
    summary = docstring.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return f"| {label} | {summary.removesuffix('.')} |"
