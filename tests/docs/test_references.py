"""Files that refer to a page, and pages that refer to a file, name one that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name

PACKAGE = ROOT / "functions" / "chatd"
# A page below docs/ in text, but not as part of a longer path or of a URL.
_PAGE = re.compile(r"(?<![\w./-])docs/[\w./-]+\.(?:md|json|svg|html)\b")
_FILE = re.compile(r"`([\w-]+(?:/[\w-]+)*/?(?:\w+\.(?:py|toml|yaml|mk))|[\w/-]+/)`")


FOLDERS = ("bench", "deploy", "docs", "functions", "local", "tests")
SUFFIXES = {".md", ".mk", ".py", ".toml", ".yaml", ""}


def sources() -> list[Path]:
    """List the files of the repository that a person writes."""
    files = [*ROOT.glob("[!.]*"), *(file for top in FOLDERS for file in (ROOT / top).rglob("*"))]
    return [
        file
        for file in files
        if file.suffix in SUFFIXES and file.is_file() and "__pycache__" not in file.parts
    ]


def test_every_page_that_a_file_names_exists() -> None:
    missing = [
        f"{name(file)}: {page}"
        for file in sources()
        for page in _PAGE.findall(file.read_text("utf-8"))
        if not (ROOT / page).exists()
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """A page names files from the root, the package, local/ or its own folder."""
    homes = (ROOT, PACKAGE, page.parent, ROOT / "functions", ROOT / "local")
    missing = [
        file
        for file in _FILE.findall(page.read_text("utf-8"))
        if not any((home / file).exists() for home in homes)
    ]

    assert missing == []


def test_a_url_is_no_page_and_a_path_in_code_is_a_file() -> None:
    assert _PAGE.findall("https://github.com/o/r/blob/main/docs/api.md") == []
    assert _PAGE.findall("(docs/cost.md) and docs/errors.md.") == ["docs/cost.md", "docs/errors.md"]
    assert _FILE.findall("`resilience/retry.py`, `canonical/` and `make x`") == [
        "resilience/retry.py",
        "canonical/",
    ]
