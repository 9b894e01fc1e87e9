"""The lock file of the Node programs pins contents and names no registry."""

from __future__ import annotations

import json

from tests.local.conftest import ROOT

FOLDER = ROOT / "requirements/agents"
LOCK = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))
PACKAGES = {name: entry for name, entry in LOCK["packages"].items() if name}


def test_every_package_is_pinned_by_its_hash() -> None:
    assert PACKAGES
    assert [name for name, entry in PACKAGES.items() if not entry.get("integrity")] == []


def test_no_package_names_a_registry() -> None:
    assert [name for name, entry in PACKAGES.items() if "resolved" in entry] == []


def test_the_lock_file_has_the_versions_of_package_json() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    locked = {name: PACKAGES[f"node_modules/{name}"]["version"] for name in wanted}

    assert locked == wanted
