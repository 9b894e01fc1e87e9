"""Figures of rounds become a table; the rounds themselves need a Docker engine and minutes."""

from __future__ import annotations

import json

import pytest

import bench.memory_size.__main__ as memory_size
from bench.memory_size import containers
from bench.memory_size.__main__ import SIZES, Figures, table


def figures(seconds: float) -> Figures:
    return Figures(
        init=seconds,
        first=seconds / 2,
        restored=seconds / 10,
        warm=0.002,
        resident=58.04,
        peak=84.06,
    )


def test_a_time_is_a_ratio_within_its_round() -> None:
    # In the second round the machine was ten times slower.
    rounds = [
        {size: figures(slow * containers.VCPU_MB / size) for size in SIZES}
        for slow in (1.0, 10.0, 1.0)
    ]

    assert table(rounds)["256"] == {
        "init": 6.91,
        "first": 3.455,
        "restored": 0.691,
        "warm": 0.002,
        "resident": 58.0,
        "peak": 84.1,
    }
    assert table(rounds)["1769"]["init"] == 1.0


def test_the_committed_figures_are_complete() -> None:
    result = json.loads(memory_size.RESULT.read_text("utf-8"))

    assert list(result["sizes"]) == [str(size) for size in SIZES]
    assert result["processes"]["count"] == memory_size.PROCESSES
    assert result["unit_ms"] > 0


def test_without_a_build_the_message_names_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(containers, "BUILD", tmp_path)

    assert memory_size.main([]) == 1
    assert capsys.readouterr().err == "bench: no build: run make build ARCH=x86_64\n"
