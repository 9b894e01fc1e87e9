"""Every cell of the table of faults has the expected answer, attempts, spacing and duration.

A cell is a fault in a dialect, for a kind of caller, with or without a fallback.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import pairwise
from statistics import median

import pytest

from tests.faults import table_runner
from tests.faults.cases import CASES, Case
from tests.faults.fault_list import JITTER, TRIES
from tests.faults.page import COMMAND, page
from tests.faults.table_runner import CellResult
from tests.local.conftest import ROOT
from tests.support.busy_machine import allowance

Table = Mapping[str, CellResult]
PAGE = ROOT / "docs/failures.md"

# Parallel lanes: a cell mostly waits.
LANES = 16
# Seconds that an ordinary test run may add to the limits.
ROOM = 4.0
# Seconds by which the upstream may receive the first of two attempts late.
TOLERANCE = 0.1

each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """Run the cells that the selected tests need."""
    mine = [item for item in request.session.items if item.path == request.path]
    given = [getattr(item, "callspec", None) for item in mine]
    selected = {str(spec.params["case"]): spec.params["case"] for spec in given if spec}
    # A test of the table as a whole has no case of its own.
    cases = CASES if None in given else list(selected.values())
    return table_runner.run(cases, tmp_path_factory.mktemp("table"), lanes=min(LANES, len(cases)))


@each_case
def test_the_caller_gets_the_whole_answer_or_an_honest_error(table: Table, case: Case) -> None:
    assert table[str(case)].outcome == case.outcome


@each_case
def test_rescued_names_the_models_before_and_after_a_failover(table: Table, case: Case) -> None:
    result = table[str(case)]
    joined = case.applied.begun and case.reaches_fallback and case.answer is not None
    names = {"from": [f"{result.first}/m"], "by": f"{result.next}/m"}

    assert result.received.rescued == (names if joined else None)


@each_case
def test_the_number_of_attempts_follows_from_the_fault(table: Table, case: Case) -> None:
    result = table[str(case)]
    reported = result.received.reported_attempts
    own = [attempt for attempt in reported if attempt.startswith(f"{result.first}: ")]

    assert [attempt.request.prefill for attempt in result.fallback_attempts] == case.prefills
    if case.fault.place == "served":
        assert len(result.attempts) == case.attempts
    if not case.applied.begun and reported != []:
        assert len(own) == case.attempts
    assert reported != [] or case.attempts + len(case.prefills) == 1 or case.applied.begun


@each_case
def test_attempts_are_spaced_by_their_duration_and_a_growing_wait(table: Table, case: Case) -> None:
    result, fault = table[str(case)], case.applied
    at = [attempt.at for attempt in (*result.attempts, *result.fallback_attempts)]
    apart = [later - earlier for earlier, later in pairwise(at)]
    cost = fault.cost(case.limits, alone=case.alone)
    retries = apart[: max(len(result.attempts) - 1, 0)]
    waits = zip(retries, JITTER, strict=False)

    assert all(cost + fault.wait - TOLERANCE <= space for space in retries)
    assert all(space <= cost + (fault.wait or jitter) + allowance(ROOM) for space, jitter in waits)
    # The fallback is tried at once.
    assert all(space <= cost + allowance(ROOM) for space in apart[len(retries) :])


def test_waits_are_random_within_bounds_that_double(table: Table) -> None:
    spent = [
        [later.at - earlier.at for earlier, later in pairwise(table[str(case)].attempts)]
        for case in CASES
        if case.attempts == TRIES and case.applied.costs is None and not case.applied.wait
    ]
    first, second = (median(waits) for waits in zip(*filter(None, spent), strict=True))

    # The median of a wait is half its bound; on a busy machine each takes longer.
    assert JITTER[0] / 4 < first < JITTER[0] * 1.5
    assert JITTER[1] / 4 < second < JITTER[1] * 1.5


@each_case
def test_the_duration_is_within_the_limits(table: Table, case: Case) -> None:
    fault, took = case.applied, table[str(case)].received.took
    shortest = fault.shortest(case.limits, alone=case.alone)

    assert (
        shortest - TOLERANCE
        <= took
        <= fault.longest(case.limits, alone=case.alone) + allowance(ROOM)
    )


def test_the_page_matches_this_run(table: Table) -> None:
    text = page(table)
    if os.environ.get("CHATD_WRITE_FAILURES") == "1":
        PAGE.write_text(text, "utf-8")

    assert PAGE.read_text("utf-8") == text, f"docs/failures.md is out of date: {COMMAND}"
