"""Faults of a provider of completions: answer, error and attempts are those of chats."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest

from tests.faults import table_runner
from tests.faults.caller import COMPLETIONS as PATH
from tests.faults.cases import Case, Fallback
from tests.faults.fault_list import FAULTS, Way
from tests.faults.table_runner import CellResult
from tests.support.dialect_streams import COMPLETIONS, DIALECTS

# The faults whose handling depends on the dialect; the table of chats has the others.
_OF_THE_DIALECT = frozenset(
    {
        "closes the connection before the first token",
        "closes the connection in mid-answer",
        "sends a malformed first event",
        "sends a malformed event in mid-answer",
        "ends the response without an end mark",
        "returns 200 with an error",
        "sends an error event in mid-answer",
        "returns 400",
    }
)


def _cases() -> list[Case]:
    """List the cells; the fallback is a row of OpenAI's dialect, which continues a prompt."""
    faults = [fault for fault in FAULTS if fault.name in _OF_THE_DIALECT]
    assert len(faults) == len(_OF_THE_DIALECT)
    dialects = (DIALECTS["ollama generate"], COMPLETIONS)
    return [
        Case(fault, dialect, way, fallback)
        for fault, dialect in product(faults, dialects)
        for way, fallback in (
            (Way.PLAIN, Fallback.NONE),
            (Way.STREAM, Fallback.NONE),
            (Way.STREAM, Fallback.CONTINUES),
        )
    ]


CASES = _cases()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, CellResult]:
    folder = tmp_path_factory.mktemp("completions")
    return table_runner.run(CASES, folder, lanes=8, surfaces=(PATH,))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_completion_ends_whole_or_with_an_honest_error(
    table: Mapping[str, CellResult], case: Case
) -> None:
    result = table[str(case)]

    assert result.outcome == case.outcome
    assert len(result.attempts) == case.attempts or case.fault.place != "served"
    assert [attempt.request.prefill for attempt in result.fallback_attempts] == case.prefills
