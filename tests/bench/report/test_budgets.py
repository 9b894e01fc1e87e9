"""A budget that the committed figures miss has a reason on the page.

test_budget_values.py checks each budget with made-up figures; `make bench-check` measures.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.report.budgets import BUDGETS, Budget, reasons

MEASURED = json.loads((Path(__file__).parents[3] / "docs/performance.json").read_text("utf-8"))


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.name)
def test_a_missed_budget_has_a_reason(budget: Budget) -> None:
    assert budget.met(MEASURED) or (budget.reason and budget.reason in reasons(MEASURED))


@pytest.mark.parametrize(("value", "met"), [(1.0, True), (2.0, True), (2.1, False)])
def test_a_budget_is_a_maximum(value: float, met: bool) -> None:
    budget = Budget("a figure", "some", lambda found: float(found["x"]), 2.0, "{}")

    assert budget.met({"some": {"x": value}}) is met


def test_a_budget_with_at_least_is_a_minimum() -> None:
    budget = Budget("a figure", "some", lambda found: float(found["x"]), 2.0, "{}", at_least=True)

    assert [budget.met({"some": {"x": value}}) for value in (1.9, 2.0)] == [False, True]
