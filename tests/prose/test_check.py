"""The check finds listed words in summaries, names a replacement, and holds each folder's limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prose import check
from tests.prose.__main__ import ROOT, compare, lowered, main, read

RULES = """
limit = 1.0

[ceilings]
bench = 6.5

[[words]]
words = ["nobody"]
instead = "name the actor: no caller, no provider"

[[words]]
words = ["it", "alive"]
instead = "repeat the noun"
"""


@pytest.fixture
def rules() -> check.Rules:
    """Two groups of words, and a ceiling for one folder."""
    return check.rules(RULES)


def module(folder: Path, docstring: str) -> Path:
    """Write a module with this docstring."""
    file = folder / "module.py"
    file.write_text(f'"""{docstring}"""\n', "utf-8")
    return file


@pytest.mark.parametrize(
    ("docstring", "listed"),
    [
        ("Nobody reads it.", ("nobody", "it")),
        ("A caller reads the item.", ()),
        ("Keep connections with keep-alive.", ()),
        ("Raise `NobodyError` of `it`.", ()),
        ("A summary on two\nlines: it counts.\n\nNobody is in the body.", ("it",)),
    ],
)
def test_listed_words_of_a_summary_count(
    rules: check.Rules, tmp_path: Path, docstring: str, listed: tuple[str, ...]
) -> None:
    [summary] = check.summaries(module(tmp_path, docstring), rules.instead)

    assert summary.listed == listed


def test_modules_classes_and_functions_count(rules: check.Rules, tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        '"""One."""\nclass A:\n    """Two."""\n    async def b(self):\n        """Three."""\n'
    )

    found = check.summaries(file, rules.instead)

    assert [(summary.line, summary.text) for summary in found] == [
        (1, "One."),
        (3, "Two."),
        (5, "Three."),
    ]


def test_share_is_listed_words_per_100_words(rules: check.Rules, tmp_path: Path) -> None:
    found = check.summaries(module(tmp_path, "It has four words."), rules.instead)

    assert check.share(found) == 25.0
    assert check.share([]) == 0.0


def test_a_folder_above_its_ceiling_fails_with_place_word_and_replacement(
    rules: check.Rules, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = module(tmp_path, "Nobody reads this page.")

    status = compare("bench", read([tmp_path], rules), rules)

    printed = capsys.readouterr().err
    assert status == 1
    assert f"{file}:1: Nobody reads this page." in printed
    assert "nobody → name the actor: no caller, no provider" in printed
    assert "bench: 25.0 vague words per 100 in docstring summaries; at most 6.5." in printed


def test_a_folder_at_its_ceiling_passes(rules: check.Rules, tmp_path: Path) -> None:
    found = read([module(tmp_path, "It " + "stands " * 15)], rules)

    assert check.share(found) == 6.2
    assert compare("bench", found, rules) == 0
    assert compare("local", found, rules) == 1


@pytest.mark.parametrize(
    ("share", "ceilings"),
    [(9.0, {"bench": 6.5}), (3.2, {"bench": 3.2}), (1.0, {}), (0.4, {})],
)
def test_a_ceiling_falls_to_the_share_until_the_limit_and_never_rises(
    share: float, ceilings: dict[str, float]
) -> None:
    assert check.rules(lowered(RULES, {"bench": share})).ceilings == ceilings


def test_listing_a_file_exits_with_1_if_it_has_a_listed_word(tmp_path: Path) -> None:
    assert main([str(module(tmp_path, "Nobody reads this."))]) == 1
    assert main([str(module(tmp_path, "No caller reads this."))]) == 0


def test_every_listed_word_has_one_replacement_and_every_ceiling_a_folder() -> None:
    rules = check.rules(check.RULES.read_text("utf-8"))

    assert all(rules.instead.values())
    assert set(rules.ceilings) <= set(check.FOLDERS)
    assert all((ROOT / folder).is_dir() for folder in check.FOLDERS)
