"""Samples become medians, ratios of pairs and exponents."""

from __future__ import annotations

import pytest

from bench.sample_statistics import Distribution, exponent, quantile, ratio


def test_a_distribution_has_median_p99_and_count() -> None:
    figure = Distribution.of([float(number) for number in range(1, 102)])

    assert (figure.count, figure.median, figure.p99) == (101, 51.0, 100.0)


def test_a_distribution_keeps_101_points_of_many_samples() -> None:
    figure = Distribution.of([float(number) for number in range(10_000)])

    assert len(figure.quantiles) == 101
    assert (figure.quantiles[0], figure.quantiles[-1]) == (0.0, 9999.0)


def test_a_quantile_is_interpolated() -> None:
    assert quantile([1.0, 2.0], 0.5) == 1.5


def test_a_ratio_compares_pairs_so_a_slow_moment_affects_both_sides() -> None:
    assert ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == 2.0


@pytest.mark.parametrize(("power", "found"), [(0, 0.0), (1, 1.0), (2, 2.0)])
def test_an_exponent_is_the_power_of_growth(power: int, found: float) -> None:
    sizes = [10, 100, 1000]

    assert exponent(sizes, [3.0 * size**power for size in sizes]) == pytest.approx(found)
