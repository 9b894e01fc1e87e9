"""List the pages of the documentation, their blocks of code and their commands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code: its page, its number on that page, its language and its text."""

    page: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{name(self.page)}-{self.number}"


def name(page: Path) -> str:
    """Give a page's path below the repository's root."""
    return str(page.relative_to(ROOT))


def blocks(*languages: str) -> list[Block]:
    """List the blocks of these languages on all pages."""
    return [
        Block(page, number, match[1], match[2])
        for page in PAGES
        for number, match in enumerate(_BLOCK.finditer(page.read_text("utf-8")), 1)
        if match[1] in languages
    ]


def transcripts() -> list[tuple[Block, str, str]]:
    """List every `$ command` with its block and its output."""
    return [
        (block, command, output)
        for block in blocks("console")
        for command, output in _parts(block.text)
    ]


def _parts(text: str) -> list[tuple[str, str]]:
    """Split a session into commands and outputs. Indented lines continue a command."""
    return [
        (match[1], match[2].strip("\n"))
        for match in re.finditer(
            r"^\$ (.*\n(?: +.*\n)*)((?:(?!\$ ).*\n)*)", text, flags=re.MULTILINE
        )
    ]


def make_targets() -> set[str]:
    """List the targets of the Makefile and of its included files."""
    files = [ROOT / "Makefile", *ROOT.glob("*/targets.mk"), *ROOT.glob("tests/*/targets.mk")]
    return {
        target
        for file in files
        for line in re.findall(r"^([a-z][a-z -]*):", file.read_text("utf-8"), re.MULTILINE)
        for target in line.split()
    }


def make_commands(text: str) -> set[str]:
    """List the targets that a page's code names as `make TARGET`."""
    code = "\n".join([*re.findall(r"`([^`\n]+)`", text), *(m[2] for m in _BLOCK.finditer(text))])
    return set(re.findall(r"\bmake ([a-z][a-z-]*)\b", code))
