"""Every decision has a number, a date, a status and a line of the index."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT

FOLDER = ROOT / "docs" / "decisions"
GOOD = "# 7. A title\n\nDate: 2026-11-22. Status: accepted.\n\nText.\n"


@pytest.fixture
def decision_index(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "docs")
    return importlib.import_module("decision_index")


def test_the_index_lists_every_file(decision_index: Any) -> None:
    listed = re.findall(r"\]\((\d{4}-[^)]+)\) \| \d{4}-", (FOLDER / "README.md").read_text("utf-8"))

    assert sorted(listed) == sorted(file.name for file in FOLDER.glob("0*.md"))


def test_a_superseding_decision_is_named_by_the_superseded_one(decision_index: Any) -> None:
    """`It supersedes … of [N](file)` and the status of N point at each other."""
    decisions = decision_index.read(FOLDER)
    statuses = {decision.number: decision.status for decision in decisions}
    superseded = [
        (decision.number, int(other))
        for decision in decisions
        for other in re.findall(
            r"It supersedes[^.]* \[(\d+)\]",
            (FOLDER / decision.file).read_text("utf-8").split("\n\n")[1],
        )
    ]

    assert [pair for pair in superseded if f"[{pair[0]}](" not in statuses[pair[1]]] == []
    assert (16, 8) in superseded


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("seven.md", GOOD, "is not named"),
        ("0008-a.md", GOOD, "has the number 7"),
        ("0007-a.md", GOOD.replace("# 7. ", "# "), "does not begin"),
        ("0007-a.md", GOOD.replace("Date: 2026-11-22. ", ""), "does not begin"),
        ("0007-a.md", GOOD.replace("accepted", "considered"), "does not begin"),
        ("0007-a.md", GOOD.replace("2026-11-22", "November"), "does not begin"),
    ],
)
def test_a_malformed_decision_is_named(
    decision_index: Any, tmp_path: Path, name: str, text: str, wrong: str
) -> None:
    (tmp_path / name).write_text(text, "utf-8")

    with pytest.raises(ValueError, match=f"{name} {wrong}"):
        decision_index.read(tmp_path)


def test_a_number_that_is_taken_is_named(decision_index: Any, tmp_path: Path) -> None:
    (tmp_path / "0007-a.md").write_text(GOOD, "utf-8")
    (tmp_path / "0007-b.md").write_text(GOOD, "utf-8")

    with pytest.raises(ValueError, match=r"0007-b.md has the number of 0007-a.md"):
        decision_index.read(tmp_path)


def test_a_status_may_name_a_part_that_is_superseded(decision_index: Any, tmp_path: Path) -> None:
    (tmp_path / "0007-a.md").write_text(
        "# 7. A title\n\nDate: 2026-11-22, revised 2026-11-25. Status: accepted; one rule is\n"
        "superseded by [9](0009-b.md).\n\nText.\n",
        "utf-8",
    )

    (decision,) = decision_index.read(tmp_path)

    assert decision.status == "accepted; one rule is superseded by [9](0009-b.md)"
    assert decision.date == "2026-11-22, revised 2026-11-25"
