"""The guard: chance passes, a regression does not."""

from __future__ import annotations

import random

import pytest

from bench import guard
from bench.guard import RUNS, beyond, varied


def test_what_varied_by_chance_on_one_commit_passes() -> None:
    noise = random.Random(7)  # noqa: S311  # no secret
    runs = [2.5 * noise.uniform(0.97, 1.05) for _ in range(RUNS)]
    kept = {"warm": varied("warm", runs)}

    assert [beyond({"warm": run}, kept) for run in runs] == [{}] * RUNS


@pytest.mark.parametrize("values", [[2.5] * RUNS, [0.01] * RUNS])
def test_a_little_worse_is_never_a_regression(values: list[float]) -> None:
    assert beyond({"x": values[0] + 0.05}, {"x": varied("x", values)}) == {}


def test_a_fifth_worse_is_a_regression_where_there_is_little_noise() -> None:
    kept = {"init": varied("init", [1.5, 1.52, 1.48, 1.51])}

    assert beyond({"init": 1.8}, kept) == {"init": 1.8}


def test_a_ratio_that_nothing_was_kept_of_is_not_compared() -> None:
    assert beyond({"new": 99.0}, {}) == {}


def test_better_is_never_a_regression() -> None:
    assert beyond({"init": 0.5}, {"init": varied("init", [1.5] * RUNS)}) == {}


def test_the_guard_looks_again_before_it_fails() -> None:
    assert guard.TRIES > 1


def test_what_grows_as_its_input_does_passes_even_if_it_grew_slower() -> None:
    kept = {"growth, tools": varied("growth, tools", [0.45] * RUNS)}

    assert beyond({"growth, tools": 1.05}, kept) == {}
    assert beyond({"growth, tools": 1.5}, kept) == {"growth, tools": 1.5}


def test_what_must_not_grow_at_all_is_held_to_that() -> None:
    kept = {"growth, a chat": varied("growth, a chat", [0.01] * RUNS)}

    assert beyond({"growth, a chat": 0.5}, kept) == {"growth, a chat": 0.5}
