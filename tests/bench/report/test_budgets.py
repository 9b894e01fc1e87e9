"""The budgets on the page: one that its committed figures miss has its reason.

test_budget_values.py holds each budget to figures of its own; `make bench-check` measures anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.report.budgets import BUDGETS, Budget, reasons

MEASURED = json.loads((Path(__file__).parents[3] / "docs/performance.json").read_text("utf-8"))


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.what)
def test_a_budget_that_the_pages_figures_miss_has_its_reason(budget: Budget) -> None:
    assert budget.met(MEASURED) or (budget.reason and budget.reason in reasons(MEASURED))


@pytest.mark.parametrize(("value", "met"), [(1.0, True), (2.0, True), (2.1, False)])
def test_a_budget_is_the_most_there_may_be(value: float, met: bool) -> None:
    budget = Budget("it", "some", lambda found: float(found["x"]), 2.0, "{}")

    assert budget.met({"some": {"x": value}}) is met


def test_or_the_least_there_must_be() -> None:
    budget = Budget("it", "some", lambda found: float(found["x"]), 2.0, "{}", at_least=True)

    assert [budget.met({"some": {"x": value}}) for value in (1.9, 2.0)] == [False, True]
