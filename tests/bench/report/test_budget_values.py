"""Each budget takes from what its benchmark found the figure that it names, and holds it."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report.budgets import BUDGETS, Budget, reasons, rows


def warm(median: float, p99: float) -> dict[str, Any]:
    """Two ways through the gateway, of which the second is the dearer; in microseconds."""
    return {
        "cases": {
            "cheap": {"wall": {"overhead": {"median": 1.0, "p99": 1.0}}},
            "dear": {"wall": {"overhead": {"median": median * 1000, "p99": p99 * 1000}}},
        }
    }


def chunks(flood: float, trickle: float) -> dict[str, Any]:
    return {
        "cases": {
            "cheap": {"flood": {"cpu": 0.1}, "trickle": {"cpu": 0.1}},
            "dear": {"flood": {"cpu": flood}, "trickle": {"cpu": trickle}},
        }
    }


def growth(time: float, memory: float) -> dict[str, Any]:
    return {
        "cases": {
            "flat": {"time_exponent": 0.1, "memory_exponent": 0.1},
            "steep": {"time_exponent": time, "memory_exponent": memory},
        }
    }


def peers(init: float, overhead: float) -> dict[str, Any]:
    def side(start: float, request: float) -> dict[str, Any]:
        return {"init": {"cpu": {"median": start}}, "overhead": {"wall": request}}

    return {"handlers": {"chatd": side(2.0, 4.0), "litellm": side(2 * init, 4 * overhead)}}


def peaks(ordinary: float, hostile: float) -> dict[str, Any]:
    return {"ordinary": {"x": 0.0, "y": ordinary}, "hostile": {"x": 0.0, "y": hostile}}


def found(what: str, value: float) -> dict[str, Any]:
    """What a benchmark finds where one budget's figure is this, and every other is the best."""
    figures: dict[str, dict[str, Any]] = {
        "init, over importing its libraries": {"starts": {"handler": {"ratio": {"cpu": value}}}},
        "a warm request over bare urllib3, median": warm(value, 0.0),
        "a warm request over bare urllib3, p99": warm(0.0, value),
        "a streamed chunk": chunks(value, 0.0),
        "a streamed chunk that comes alone": chunks(0.0, value),
        "memory at rest": {"at rest": value, "after requests": value},
        "what 10,000 requests add to it": {"at rest": 30.0, "after requests": 30 + value},
        "peak over rest, 5 MB of ordinary shape": peaks(value, 0.0),
        "peak over rest, hostile shapes": peaks(0.0, value),
        "code and layer, zipped": {
            "code": {"zipped": value / 4},
            "layer": {"zipped": value * 3 / 4},
        },
        "LiteLLM's init, over ours": peers(value, 1000.0),
        "LiteLLM's overhead, over ours": peers(1000.0, value),
        "exponent of time": growth(value, 0.0),
        "exponent of memory": growth(0.0, value),
    }
    return figures[what]


each = pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.what)


@each
def test_a_budget_takes_its_own_figure(budget: Budget) -> None:
    assert budget.value(found(budget.what, 7.5)) == pytest.approx(7.5)


@each
def test_a_figure_at_the_limit_is_met_and_one_beyond_it_is_not(budget: Budget) -> None:
    beyond = 0.99 if budget.at_least else 1.01
    at_limit = {
        budget.bench: found(budget.what, budget.limit * (1 + 1e-9 * (1 if budget.at_least else -1)))
    }
    missed = {budget.bench: found(budget.what, budget.limit * beyond)}

    assert budget.met(at_limit)
    assert not budget.met(missed)
    (row,) = [row for row in rows(missed) if row[0] == budget.what]
    assert row[-1] == "**no**"
    assert f"**{budget.what}**: {budget.reason}" in reasons(missed)
    assert f"**{budget.what}**" not in reasons(at_limit)
