"""docs/performance.json keeps every figure; the page and the plot show its results."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from bench import libraries
from bench.__main__ import KEPT
from bench.report import budgets, page, plot, results
from bench.report.tables import table


def test_a_list_of_numbers_is_one_line_and_the_json_is_equal() -> None:
    everything = {"a": {"quantiles": [1.0, 2.5], "rows": [["x", 1.0], ["y", 2.0]], "none": []}}
    text = results.serialized(everything)

    assert '"quantiles": [1.0, 2.5]' in text
    assert json.loads(text) == everything


@pytest.mark.parametrize("name", KEPT)
def test_the_page_has_a_section_per_benchmark(name: str) -> None:
    assert f"make bench BENCH={name}`" in page.page(results.read())


def test_every_budget_is_on_the_page() -> None:
    text = page.page(results.read())

    assert [budget.name for budget in budgets.BUDGETS if budget.name not in text] == []


def test_a_missed_budget_is_marked() -> None:
    budget = budgets.Budget("x", "b", lambda found: float(found["v"]), 2, "{:.0f} ms")

    assert budget.row({"b": {"v": 3}}) == ("x", "≤ 2 ms", "3 ms", "**no**")


def test_the_plot_has_a_dark_theme() -> None:
    drawn = plot.svg(results.read()["peers"]["handlers"])

    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314  # our own
    assert "prefers-color-scheme: dark" in drawn


def test_every_library_of_the_floor_has_a_reason() -> None:
    assert [one.statement for one in libraries.read() if len(one.reason) < 20] == []


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"
