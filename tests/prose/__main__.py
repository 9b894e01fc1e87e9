"""Check docstring summaries for vague words; `make lint` runs this.

Without arguments: compare each folder with its limit, and exit with 1 if one is above. With files
or folders: list their findings. With `--lower`: write lower ceilings to rules.toml where the share
has fallen.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.prose import check

ROOT = Path(__file__).resolve().parents[2]
_WORST = 10


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.prose", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="files or folders to list")
    parser.add_argument("--lower", action="store_true", help="write lower ceilings to rules.toml")
    options = parser.parse_args(arguments)
    rules = check.rules(check.RULES.read_text("utf-8"))
    if options.paths:
        found = _listed(read(options.paths, rules))
        _show(found, rules)
        return 1 if found else 0
    by_folder = {folder: read([root / folder], rules) for folder in check.FOLDERS}
    if options.lower:
        text = check.RULES.read_text("utf-8")
        shares = {folder: check.share(found) for folder, found in by_folder.items()}
        check.RULES.write_text(lowered(text, shares), "utf-8")
        return 0
    return max([compare(folder, found, rules) for folder, found in by_folder.items()])


def read(paths: Sequence[Path], rules: check.Rules) -> list[check.Summary]:
    """Return the docstring summaries of Python files, and of all Python files in folders."""
    files = [
        file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    return [summary for file in files for summary in check.summaries(file, rules.instead)]


def compare(folder: str, found: Sequence[check.Summary], rules: check.Rules) -> int:
    """Print the worst summaries of a folder above its limit; return 1 if above, else 0."""
    share, ceiling = check.share(found), rules.ceiling(folder)
    if share <= ceiling:
        return 0
    _show(_listed(found)[:_WORST], rules)
    print(
        f"{folder}: {share} vague words per 100 in docstring summaries; at most {ceiling}."
        f" All of them: python -m tests.prose {folder}",
        file=sys.stderr,
    )
    return 1


def lowered(text: str, shares: dict[str, float]) -> str:
    """Return rules.toml with lower ceilings where the share has fallen; none is raised.

    A ceiling at the limit is removed.
    """
    rules = check.rules(text)
    for folder, ceiling in rules.ceilings.items():
        now = min(shares.get(folder, 0.0), ceiling)
        line = f"{folder} = {now}\n" if now > rules.limit else ""
        text = re.sub(rf"(?m)^{re.escape(folder)} = .*\n", line, text)
    return text


def _listed(found: Sequence[check.Summary]) -> list[check.Summary]:
    """Return the summaries with listed words, the densest first."""
    with_words = [summary for summary in found if summary.listed]
    return sorted(with_words, key=lambda one: len(one.listed) / one.words, reverse=True)


def _show(found: Sequence[check.Summary], rules: check.Rules) -> None:
    for summary in found:
        print(check.advice(summary, rules.instead), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
