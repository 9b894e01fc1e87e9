"""Every surface and dialect of the registries has its golden files."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatd.dialects import DIALECTS, VARIANTS
from chatd.surfaces import SURFACES

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("dialect", [*DIALECTS, *VARIANTS])
@pytest.mark.parametrize("surface", SURFACES)
def test_every_pair_of_surface_and_dialect_has_golden_files(surface: str, dialect: str) -> None:
    folder = ROOT / "tests" / "golden" / f"{surface}--{dialect}"

    assert list(folder.glob("*.json")), f"add a case to {folder.relative_to(ROOT)}"
