"""Count the words of rules.toml in docstring summaries, and compare each folder with its limit.

A summary is the first paragraph of a docstring. Code between backticks does not count, and a word
with a hyphen is one word ("keep-alive").
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

RULES = Path(__file__).parent / "rules.toml"
FOLDERS = ("functions", "local", "deploy", "bench", "docs", "tests")
_CODE = re.compile(r"`[^`]*`")
_WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Rules:
    """Replacement of each listed word, and listed words per 100 that a folder may have."""

    instead: Mapping[str, str]
    limit: float
    ceilings: Mapping[str, float]

    def ceiling(self, folder: str) -> float:
        """Return the listed words per 100 that this folder may have."""
        return self.ceilings.get(folder, self.limit)


@dataclass(frozen=True, slots=True)
class Summary:
    """First paragraph of a docstring, its place, and its listed words."""

    path: Path
    line: int
    text: str
    words: int
    listed: tuple[str, ...]


def rules(text: str) -> Rules:
    """Read rules.toml."""
    table = tomllib.loads(text)
    instead = {word: group["instead"] for group in table["words"] for word in group["words"]}
    return Rules(instead, float(table["limit"]), table.get("ceilings", {}))


def summaries(path: Path, instead: Mapping[str, str]) -> list[Summary]:
    """Return every docstring summary of a Python file, from top to bottom."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    documented = (node for node in nodes if isinstance(node, _DOCUMENTED))
    found = [_summary(path, node, instead) for node in documented if ast.get_docstring(node)]
    return sorted(found, key=lambda summary: summary.line)


def share(found: Iterable[Summary]) -> float:
    """Return the listed words per 100 words, rounded to one decimal."""
    counted = list(found)
    words = sum(summary.words for summary in counted)
    listed = sum(len(summary.listed) for summary in counted)
    return round(100 * listed / words, 1) if words else 0.0


def advice(summary: Summary, instead: Mapping[str, str]) -> str:
    """Return the summary's place and text, and a replacement for each listed word, one a line."""
    lines = [f"{summary.path}:{summary.line}: {summary.text}"]
    lines += [f"    {word} → {instead[word]}" for word in dict.fromkeys(summary.listed)]
    return "\n".join(lines)


def _summary(
    path: Path,
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
    instead: Mapping[str, str],
) -> Summary:
    text = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
    words = _WORD.findall(_CODE.sub(" ", text).lower())
    listed = tuple(word for word in words if word in instead)
    return Summary(path, node.body[0].lineno, text, len(words), listed)
