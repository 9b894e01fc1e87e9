"""The table of faults: fault by dialect by way of asking by who else can be asked.

It checks the answer, the attempts at the providers, their spacing, and the time that it took.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pytest

from tests.faults import lanes
from tests.faults.claims import CASES, JITTER, SAID, TEXT, Case, Way
from tests.faults.lanes import Seen

Table = Mapping[str, Seen]

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
    wanted: dict[str, Case] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            case = item.callspec.params.get("case")
            if isinstance(case, Case):
                wanted[str(case)] = case
    cases = list(wanted.values()) or CASES
    return lanes.run(cases, tmp_path_factory.mktemp("table"), lanes=min(LANES, len(cases)))


@each_case
def test_the_caller_gets_the_whole_answer_or_an_honest_error(table: Table, case: Case) -> None:
    heard, fault = table[str(case)].heard, case.seen

    if fault.succeeds or case.is_rescued:
        assert (heard.status, heard.code) == (200, None), heard.error
        assert (heard.text, heard.complete) == (TEXT, True)
    elif fault.begun and case.way is Way.STREAM:
        assert (heard.status, heard.text) == (200, SAID)
        assert heard.code == case.fails_as[1].replace("upstream_error", "upstream_stream_error")
    else:
        assert (heard.status, heard.code, heard.text) == (*case.fails_as, "")


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
    # The next model is not waited for, and neither is the same one for what another way can mend.
    waits = [fault.wait or jitter for jitter in JITTER[: max(len(seen.attempts) - 1, 0)]]
    longest = [cost + wait + ROOM for wait in waits]

    assert all(space >= cost + fault.wait - BLUR for space, _ in zip(apart, waits, strict=False))
    assert all(space <= most for space, most in zip(apart, longest, strict=False))
    assert all(space <= cost + ROOM for space in apart[len(waits) :])


@each_case
def test_it_takes_as_long_as_the_limits_allow(table: Table, case: Case) -> None:
    fault, took = case.seen, table[str(case)].heard.took
    shortest = fault.shortest(case.limits, alone=case.alone)

    assert shortest - BLUR <= took <= fault.longest(case.limits, alone=case.alone) + ROOM
