"""What is written of the project is true of it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from chatd import errors
from chatd.catalog import CATALOG
from chatd.wire.config import ConfigFile, ProviderTable, TierTable, TimeoutsTable

ROOT = Path(__file__).parents[1]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "docs")
    for name in ("generate", "openapi", "page"):
        sys.modules.pop(name, None)
    return importlib.import_module("generate")


def test_generated_parts_are_current(generate: Any) -> None:
    stale = [file for file, text in generate.wanted().items() if file.read_text("utf-8") != text]

    assert stale == []


def test_every_key_of_chatd_toml_is_documented() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    tables = (ConfigFile, ProviderTable, TierTable, TimeoutsTable)
    keys = {name for table in tables for name in table.model_fields}

    assert [key for key in sorted(keys) if key not in text] == []


def test_every_error_is_documented() -> None:
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ChatdError)
    ]

    undocumented = [
        kind.__name__
        for kind in classes
        if kind is not errors.ChatdError and f"`{kind.default_code}`" not in text
    ]
    assert undocumented == []


def test_the_readme_names_every_provider_and_its_key() -> None:
    text = (ROOT / "README.md").read_text("utf-8")

    assert [row.name for row in CATALOG.values() if f"`{row.prefix}<model>`" not in text] == []


def test_every_link_between_documents_leads_somewhere() -> None:
    files = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [
        (file, target.partition(")")[0].partition("#")[0])
        for file in files
        for target in file.read_text("utf-8").split("](")[1:]
    ]

    broken = [
        f"{file.name}: {target}"
        for file, target in links
        if not target.startswith("http") and target and not (file.parent / target).exists()
    ]
    assert broken == []
