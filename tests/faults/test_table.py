"""The table of faults: fault by dialect by way of asking by who else can be asked.

It checks the answer, the attempts at the providers, their spacing, and the time that it took.
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
from tests.faults.table_runner import Seen
from tests.local.conftest import ROOT

Table = Mapping[str, Seen]
PAGE = ROOT / "docs/failures.md"

# How many cells are run side by side: they wait, mostly.
LANES = 16
# Seconds that a busy machine may take beside what the limits say.
ROOM = 4.0
# Seconds by which an upstream may see the first of two attempts later than it was begun.
BLUR = 0.1

each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Table:
    """What every cell gave that a selected test asks for."""
    mine = [item for item in request.session.items if item.path == request.path]
    given = [getattr(item, "callspec", None) for item in mine]
    wanted = {str(spec.params["case"]): spec.params["case"] for spec in given if spec}
    # A test of the table as a whole has no case of its own.
    cases = CASES if None in given else list(wanted.values())
    return table_runner.run(cases, tmp_path_factory.mktemp("table"), lanes=min(LANES, len(cases)))


@each_case
def test_the_caller_gets_the_whole_answer_or_an_honest_error(table: Table, case: Case) -> None:
    assert table[str(case)].outcome == case.outcome


@each_case
def test_the_answer_names_who_broke_off_and_who_went_on(table: Table, case: Case) -> None:
    seen = table[str(case)]
    joined = case.seen.begun and case.is_passed_on and case.answer is not None
    names = {"from": [f"{seen.first}/m"], "by": f"{seen.next}/m"}

    assert seen.heard.rescued == (names if joined else None)


@each_case
def test_the_providers_are_asked_as_often_as_it_can_help(table: Table, case: Case) -> None:
    seen = table[str(case)]
    told = [attempt for attempt in seen.heard.story if attempt.startswith(f"{seen.first}: ")]

    assert [attempt.asked.prefill for attempt in seen.instead] == case.prefills
    if case.fault.place == "served":
        assert len(seen.attempts) == case.attempts
    if not case.seen.begun and len(seen.heard.story) > 0:
        assert len(told) == case.attempts
    assert seen.heard.story != [] or case.attempts + len(case.prefills) == 1 or case.seen.begun


@each_case
def test_attempts_are_spaced_by_what_they_cost_and_a_wait_that_grows(
    table: Table, case: Case
) -> None:
    seen, fault = table[str(case)], case.seen
    at = [attempt.at for attempt in (*seen.attempts, *seen.instead)]
    apart = [later - earlier for earlier, later in pairwise(at)]
    cost = fault.cost(case.limits, alone=case.alone)
    retries = apart[: max(len(seen.attempts) - 1, 0)]
    waits = zip(retries, JITTER, strict=False)

    assert all(cost + fault.wait - BLUR <= space for space in retries)
    assert all(space <= cost + (fault.wait or jitter) + ROOM for space, jitter in waits)
    # The next model is asked at once.
    assert all(space <= cost + ROOM for space in apart[len(retries) :])


def test_waits_are_drawn_from_the_whole_of_bounds_that_double(table: Table) -> None:
    spent = [
        [later.at - earlier.at for earlier, later in pairwise(table[str(case)].attempts)]
        for case in CASES
        if case.attempts == TRIES and case.seen.costs is None and not case.seen.wait
    ]
    first, second = (median(waits) for waits in zip(*filter(None, spent), strict=True))

    # In the middle, where neither a fluke nor a busy machine reaches.
    assert JITTER[0] / 4 < first < JITTER[0]
    assert JITTER[1] / 4 < second < JITTER[1]


@each_case
def test_it_takes_as_long_as_the_limits_allow(table: Table, case: Case) -> None:
    fault, took = case.seen, table[str(case)].heard.took
    shortest = fault.shortest(case.limits, alone=case.alone)

    assert shortest - BLUR <= took <= fault.longest(case.limits, alone=case.alone) + ROOM


def test_the_page_tells_what_this_run_gave(table: Table) -> None:
    text = page(table)
    if os.environ.get("CHATD_WRITE_FAILURES") == "1":
        PAGE.write_text(text, "utf-8")

    assert PAGE.read_text("utf-8") == text, f"docs/failures.md is out of date: {COMMAND}"
