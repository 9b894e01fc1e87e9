"""mypy rejects a surface or dialect that departs from its protocol."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.contract.registries import ROOT

# A class's module, the replaced text, and the replacement.
CHANGES = {
    "a renamed method of a surface": ("surfaces/native", r"def error\(", "def err("),
    "another return type of a surface": (
        "surfaces/openai_responses",
        r"def is_end\((.*)\) -> bool:",
        r"def is_end(\1) -> str:",
    ),
    "a further parameter of a surface": (
        "surfaces/native",
        r"def is_end\(self, piece: bytes\)",
        "def is_end(self, piece: bytes, more: int)",
    ),
    "a renamed method of a dialect": ("dialects/ollama", r"def parse\(", "def parsed("),
    "another return type of a dialect": (
        "dialects/openai_chat",
        r"def models\((.*)\) -> list\[str\]:",
        r"def models(\1) -> tuple[str, ...]:",
    ),
    "no example in a dialect": ("dialects/openai_chat", "    example = _EXAMPLE\n", ""),
}


@pytest.fixture(scope="module")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The changes for which mypy reports the conformity line; `unchanged` is the control."""
    folder = tmp_path_factory.mktemp("conformity")
    lines = {}
    for name, (module, pattern, replacement) in {
        **CHANGES,
        "unchanged": ("surfaces/native", r"\Z", ""),
    }.items():
        kind = "surface" if module.startswith("surfaces") else "dialect"
        text = (ROOT / f"functions/chatd/{module}/{kind}.py").read_text("utf-8")
        changed, count = re.subn(pattern, replacement, text)
        assert count == 1, name
        file = folder / f"{name.replace(' ', '_')}.py"
        file.write_text(changed, "utf-8")
        number = next(n for n, line in enumerate(changed.splitlines(), 1) if line.startswith("_: "))
        lines[f"{file}:{number}: error: "] = name
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--no-error-summary", "--follow-imports=silent"),
            *("--cache-dir", str(folder / "cache"), *map(str, folder.glob("*.py"))),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {name for start, name in lines.items() if start in done.stdout}


@pytest.mark.parametrize("change", CHANGES)
def test_mypy_rejects(change: str, rejected: set[str]) -> None:
    assert change in rejected


def test_mypy_accepts_a_class_as_it_is(rejected: set[str]) -> None:
    assert "unchanged" not in rejected
