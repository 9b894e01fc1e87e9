"""docs/architecture.md lists every module once, and the diagram names existing folders."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT

PACKAGE = ROOT / "functions" / "chatd"
LONGEST = 120


@pytest.fixture
def module_table(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("module_table")


def listed() -> dict[str, str]:
    """Map the modules and folders of the page's table to their duties."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = page.split("<!-- generated: modules -->")[1].split("<!-- end -->")[0]
    return dict(re.findall(r"^\| \**`([\w/]+)`\** \| (.+) \|$", table, re.MULTILINE))


def test_every_module_has_a_line(module_table: Any) -> None:
    modules = {
        module_table.name(file, PACKAGE)
        for file in PACKAGE.rglob("*.py")
        if file.name != "__init__.py"
    }
    folders = {
        f"{file.parent.relative_to(PACKAGE)}/"
        for file in PACKAGE.rglob("__init__.py")
        if file.parent != PACKAGE
    }

    assert set(listed()) == modules | folders


def test_every_duty_fits_on_one_line() -> None:
    assert {name for name, duty in listed().items() if len(duty) > LONGEST} == set()


def test_a_module_without_a_docstring_is_named(module_table: Any, tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("x = 1\n", "utf-8")

    with pytest.raises(ValueError, match=r"bare\.py needs a docstring"):
        module_table.table(tmp_path)


def test_the_diagram_names_folders_of_the_package() -> None:
    diagram = (ROOT / "docs" / "request.svg").read_text("utf-8")
    heads = set(re.findall(r'<text class="head"[^>]* text-anchor="middle">([^<]+)<', diagram))

    assert {head for head in heads if not (PACKAGE / head).is_dir()} == set()
    assert {"surfaces", "routing", "resilience", "dialects", "transport"} <= heads
