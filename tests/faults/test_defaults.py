"""Each fault once at the default limits, for a caller alone and with another model at hand.

They wait side by side, so the whole takes as long as the slowest, which is half a minute. What
would take minutes is run at a thirtieth of every default limit, as if the clock were that much
faster; CHATD_REQUIRE_PATIENCE=1 runs it in full.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.faults import table_runner
from tests.faults.cases import Case, Company
from tests.faults.fault_list import FAULTS, Fault, Way, total
from tests.faults.table_runner import Seen
from tests.support.dialect_streams import DIALECTS

# Seconds that a test is worth; where the limits allow more, they are divided.
PATIENCE = 900.0 if os.environ.get("CHATD_REQUIRE_PATIENCE") == "1" else 45.0
FASTER = 30
SILENT = "takes the request and is silent"
# Seconds that a busy machine may take beside what the limits say.
ROOM = 4.0


def at_defaults(fault: Fault) -> Fault:
    return replace(fault, limits={}, **fault.at_defaults)


def in_time(case: Case) -> Case:
    """The case as it is, or with every limit divided if it takes longer than a test is worth."""
    if case.fault.longest(case.limits, alone=case.alone) < PATIENCE:
        return case
    limits = {name: getattr(case.limits, name) / FASTER for name in DIVIDED}
    limits["total"] = total(case.limits) / FASTER
    return replace(case, fault=replace(case.fault, limits=limits))


# A connection on this machine stands at once, however fast the clock is.
DIVIDED = ("silence", "silence_with_fallback", "first_event", "gap")
# A stream's first event comes before it is committed for its silence, if another model is there.
CASES = [
    in_time(Case(at_defaults(fault), list(DIALECTS.values())[number % len(DIALECTS)], way, company))
    for number, fault in enumerate(FAULTS)
    for way, company in ((Way.STREAMED, Company.NONE), (Way.STREAM, Company.REPEATS))
]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Seen]:
    return table_runner.run(CASES, tmp_path_factory.mktemp("defaults"), lanes=len(CASES))


@each_case
def test_the_default_limits_hold(table: Mapping[str, Seen], case: Case) -> None:
    seen, fault = table[str(case)], case.fault
    shortest = fault.shortest(case.limits, alone=case.alone)
    longest = fault.longest(case.limits, alone=case.alone)

    assert seen.outcome == case.outcome
    assert shortest <= seen.heard.took <= longest + ROOM


def test_a_provider_that_never_answers_costs_a_caller_with_a_fallback_ten_seconds(
    table: Mapping[str, Seen],
) -> None:
    (case,) = [case for case in CASES if case.fault.name == SILENT and not case.alone]
    heard = table[str(case)].heard

    assert (heard.status, heard.complete) == (200, True)
    assert 10 <= heard.took < 10 + ROOM
