"""The guard passes noise and fails on a regression."""

from __future__ import annotations

import random

import pytest

from bench import guard
from bench.guard import RUNS, over_limit, variation


def test_noise_of_one_commit_passes() -> None:
    noise = random.Random(7)  # noqa: S311  # no secret
    runs = [2.5 * noise.uniform(0.97, 1.05) for _ in range(RUNS)]
    kept = {"warm": variation("warm", runs)}

    assert [over_limit({"warm": run}, kept) for run in runs] == [{}] * RUNS


@pytest.mark.parametrize("values", [[2.5] * RUNS, [0.01] * RUNS])
def test_a_small_increase_passes(values: list[float]) -> None:
    assert over_limit({"x": values[0] + 0.05}, {"x": variation("x", values)}) == {}


def test_a_fifth_more_fails_where_there_is_little_noise() -> None:
    kept = {"init": variation("init", [1.5, 1.52, 1.48, 1.51])}

    assert over_limit({"init": 1.8}, kept) == {"init": 1.8}


def test_a_ratio_without_a_kept_limit_is_not_compared() -> None:
    assert over_limit({"new": 99.0}, {}) == {}


def test_a_lower_ratio_passes() -> None:
    assert over_limit({"init": 0.5}, {"init": variation("init", [1.5] * RUNS)}) == {}


def test_the_guard_measures_again_before_a_failure() -> None:
    assert guard.TRIES > 1


def test_linear_growth_passes_even_where_the_kept_exponent_is_lower() -> None:
    kept = {"growth, tools": variation("growth, tools", [0.45] * RUNS)}

    assert over_limit({"growth, tools": 1.05}, kept) == {}
    assert over_limit({"growth, tools": 1.5}, kept) == {"growth, tools": 1.5}


def test_a_constant_cost_must_stay_constant() -> None:
    kept = {"growth, a chat": variation("growth, a chat", [0.01] * RUNS)}

    assert over_limit({"growth, a chat": 0.5}, kept) == {"growth, a chat": 0.5}
