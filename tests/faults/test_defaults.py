"""Each fault once at the default limits, for a caller alone and with another model at hand.

They wait side by side, so the whole takes as long as the slowest, which is half a minute. What
takes minutes is run where CHATD_REQUIRE_PATIENCE=1 asks for it; test_table.py has it with limits
that are scaled down.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.faults import lanes
from tests.faults.cases import Case, Company
from tests.faults.claims import FAULTS, Fault, Way
from tests.faults.lanes import Seen
from tests.support.spoken import DIALECTS

# Seconds that a test is worth; what the limits allow beyond that is not waited for as a rule.
PATIENCE = 900.0 if os.environ.get("CHATD_REQUIRE_PATIENCE") == "1" else 45.0
SILENT = "takes the request and is silent"
# Seconds that a busy machine may take beside what the limits say.
ROOM = 4.0


def at_defaults(fault: Fault) -> Fault:
    return replace(fault, limits={}, **fault.at_defaults)


# A stream's first event comes before it is committed for its silence, if another model is there.
CASES = [
    Case(at_defaults(fault), list(DIALECTS.values())[number % len(DIALECTS)], way, company)
    for number, fault in enumerate(FAULTS)
    for way, company in ((Way.STREAMED, Company.NONE), (Way.STREAM, Company.REPEATS))
]


def marked(case: Case) -> object:
    """The case, skipped if it takes longer than a test is worth."""
    seconds = case.fault.longest(case.limits, alone=case.alone)
    patient = pytest.mark.skipif(
        seconds > PATIENCE, reason=f"takes {seconds:g} s (CHATD_REQUIRE_PATIENCE=1 insists)"
    )
    return pytest.param(case, marks=patient, id=str(case))


each_case = pytest.mark.parametrize("case", [marked(case) for case in CASES])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Seen]:
    cases = [case for case in CASES if case.fault.longest(case.limits, alone=case.alone) < PATIENCE]
    return lanes.run(cases, tmp_path_factory.mktemp("defaults"), lanes=len(cases))


@each_case
def test_the_default_limits_hold(table: Mapping[str, Seen], case: Case) -> None:
    seen, fault = table[str(case)], case.fault
    shortest = fault.shortest(case.limits, alone=case.alone)
    longest = fault.longest(case.limits, alone=case.alone)

    assert seen.outcome == case.outcome
    assert shortest <= seen.heard.took <= longest + ROOM


def test_a_provider_that_never_answers_costs_a_caller_with_a_fallback_less_than_11_seconds(
    table: Mapping[str, Seen],
) -> None:
    (case,) = [case for case in CASES if case.fault.name == SILENT and not case.alone]
    heard = table[str(case)].heard

    assert (heard.status, heard.complete) == (200, True)
    assert 10 <= heard.took < 11
