"""Writes the generated parts of the documentation; `--check` only says whether they are current.

A part stands between two comments that name it: `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from chatd.catalog import CATALOG, Provider, Timeouts

ROOT = Path(__file__).resolve().parents[1]
FILES = (ROOT / "README.md", ROOT / "docs" / "configuration.md")
PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def providers() -> str:
    """The table of providers: one line a row of the catalog."""
    lines = [
        "| Provider | A model's name | Dialect | Its key | Where it is, and the variable for it |",
        "|---|---|---|---|---|",
    ]
    lines += [_provider(row) for row in CATALOG.values()]
    return "\n".join(lines)


def timeouts() -> str:
    """The limits that hold when nothing else is said."""
    limits = Timeouts()
    return f"`timeouts = {{ connect = {limits.connect:g}, total = {limits.total:g} }}`"


def _provider(row: Provider) -> str:
    names = f"`{row.prefix}<model>`" + (f", `<model>{row.suffix}`" if row.suffix else "")
    key = f"`{row.key_variable}`" if row.key_variable else "none"
    place = f"{row.base_url}, `{row.base_url_variable}`"
    return f"| {row.name} | {names} | {row.dialect} | {key} | {place} |"


PARTS = {"providers": providers, "timeouts": timeouts}


def current(text: str) -> str:
    """A file's text with every generated part as it should be."""
    return PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}\n{part[3]}", text)


def main() -> int:
    """Write what is out of date, or, with `--check`, name it and return 1."""
    stale = [file for file in FILES if current(file.read_text("utf-8")) != file.read_text("utf-8")]
    if "--check" in sys.argv[1:]:
        for file in stale:
            print(f"{file.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
        return 1 if stale else 0
    for file in stale:
        file.write_text(current(file.read_text("utf-8")), "utf-8")
        print(f"wrote {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
