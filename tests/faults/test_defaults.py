"""Each fault meets the default limits, once without and once with a fallback.

The cells wait in parallel, so the run takes as long as the slowest, half a minute. Cells that would
take minutes run with every limit divided by 30; CHATD_REQUIRE_PATIENCE=1 runs them in full.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.faults import table_runner
from tests.faults.cases import Case, Fallback
from tests.faults.fault_list import FAULTS, Fault, Way, total
from tests.faults.table_runner import CellResult
from tests.support.busy_machine import allowance
from tests.support.dialect_streams import DIALECTS

# Seconds that a cell may take; longer cells run with divided limits.
LONGEST_SECONDS = 900.0 if os.environ.get("CHATD_REQUIRE_PATIENCE") == "1" else 45.0
FASTER = 30
SILENT = "accepts the request and sends no byte"
# Seconds that an ordinary test run may add to the limits.
ROOM = 4.0


def at_defaults(fault: Fault) -> Fault:
    return replace(fault, limits={}, **fault.at_defaults)


def in_time(case: Case) -> Case:
    """Return the case, with every limit divided if the case takes too long."""
    if case.fault.longest(case.limits, alone=case.alone) < LONGEST_SECONDS:
        return case
    limits = {name: getattr(case.limits, name) / FASTER for name in DIVIDED}
    limits["total"] = total(case.limits) / FASTER
    return replace(case, fault=replace(case.fault, limits=limits))


# `connect` is not divided: a local connection is established at once.
DIVIDED = ("silence", "silence_with_fallback", "first_event", "gap")
# With a fallback, a stream's first event arrives before silence commits the stream.
CASES = [
    in_time(
        Case(at_defaults(fault), list(DIALECTS.values())[number % len(DIALECTS)], way, fallback)
    )
    for number, fault in enumerate(FAULTS)
    for way, fallback in ((Way.STREAMED, Fallback.NONE), (Way.STREAM, Fallback.REPEATS))
]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, CellResult]:
    return table_runner.run(CASES, tmp_path_factory.mktemp("defaults"), lanes=len(CASES))


@each_case
def test_the_default_limits_hold(table: Mapping[str, CellResult], case: Case) -> None:
    result, fault = table[str(case)], case.fault
    shortest = fault.shortest(case.limits, alone=case.alone)
    longest = fault.longest(case.limits, alone=case.alone)

    assert result.outcome == case.outcome
    assert shortest <= result.received.took <= longest + allowance(ROOM)


def test_a_silent_provider_delays_the_fallback_by_10_s(
    table: Mapping[str, CellResult],
) -> None:
    (case,) = [case for case in CASES if case.fault.name == SILENT and not case.alone]
    received = table[str(case)].received

    assert (received.status, received.complete) == (200, True)
    assert 10 <= received.took < 10 + allowance(ROOM)
