"""Each budget reads its own figure from the benchmark's result, and enforces its limit."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report.budgets import BUDGETS, Budget, reasons, rows


def warm(slowest: float, same_dialect: float, p99: float) -> dict[str, Any]:
    """Return a result with a slow case and three of the same dialect; `p99` in ms."""

    def case(ratio: float, over_p99: float) -> dict[str, Any]:
        return {"cpu": {"ratio": ratio}, "wall": {"overhead": {"p99": over_p99}}}

    return {
        "cases": {
            "openai to openai_chat": case(same_dialect / 2, 1.0),
            "messages to anthropic_messages": case(same_dialect, 1.0),
            "responses to openai_responses": case(same_dialect / 2, 1.0),
            "slow": case(slowest, p99 * 1000),
        }
    }


def first_uses(slowest: float, init: float = 9.0) -> dict[str, Any]:
    """Return a result with first chats by two surfaces, of which one is the floor."""
    return {
        "starts": {
            "handler": {"ratio": {"cpu": init}},
            "first chat by native": {},
            "first chat by messages": {"ratio": {"cpu": slowest}},
            "first chat to openai_chat": {"ratio": {"cpu": 0.5}},
        }
    }


def chunks(flood: float, trickle: float) -> dict[str, Any]:
    return {
        "cases": {
            "fast": {"flood": {"ratio": 0.1}, "trickle": {"ratio": 0.1}},
            "slow": {"flood": {"ratio": flood}, "trickle": {"ratio": trickle}},
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


def result(name: str, value: float) -> dict[str, Any]:
    """Return a benchmark's result in which this budget's figure has this value."""
    figures: dict[str, dict[str, Any]] = {
        "init, over importing its libraries": first_uses(0.5, value),
        "a first chat by a further surface or dialect, over one without it": first_uses(value),
        "a warm request over bare urllib3, slowest pair": warm(value, 0.5, 0.0),
        "a warm request over bare urllib3, same dialect at both ends": warm(9.0, value, 0.0),
        "a warm request over bare urllib3, p99": warm(0.0, 0.0, value),
        "a streamed chunk over reading its bytes": chunks(value, 0.0),
        "a streamed chunk that arrives alone, over reading its bytes": chunks(0.0, value),
        "memory at rest": {"at rest": value, "after requests": value},
        "memory that 10,000 requests add": {"at rest": 30.0, "after requests": 30 + value},
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
    return figures[name]


each = pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.name)


@each
def test_a_budget_reads_its_own_figure(budget: Budget) -> None:
    assert budget.value(result(budget.name, 7.5)) == pytest.approx(7.5)


@each
def test_a_figure_at_the_limit_meets_the_budget_and_one_past_it_misses(
    budget: Budget,
) -> None:
    past, rounding = (0.99, 1 + 1e-9) if budget.at_least else (1.01, 1 - 1e-9)
    at_limit = {budget.bench: result(budget.name, budget.limit * rounding)}
    missed = {budget.bench: result(budget.name, budget.limit * past)}

    assert budget.met(at_limit)
    assert not budget.met(missed)
    (row,) = [row for row in rows(missed) if row[0] == budget.name]
    assert row[-1] == "**no**"
    assert f"**{budget.name}**: {budget.reason}" in reasons(missed)
    assert f"**{budget.name}**" not in reasons(at_limit)
