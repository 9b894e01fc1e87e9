"""A probe that outlasts its lease: what it tells at last, when another environment probed since."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chatd.errors import UpstreamError
from tests.chatd.resilience.test_circuit_breaker_dynamodb import Shared
from tests.support.circuits import Clock


@pytest.fixture
def environment(circuits_table: str, clock: Clock) -> Iterator[Callable[[], Shared]]:
    """Makes environments of one deployment."""
    made: list[Shared] = []

    def make() -> Shared:
        made.append(Shared(circuits_table, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_probe_that_goes_well_at_last_closes_the_circuit_though_another_failed_since(
    environment: Callable[[], Shared], clock: Clock
) -> None:
    here, there = environment(), environment()

    def meanwhile() -> None:
        clock.unix += 16
        there.ends_with(UpstreamError("500"))

    here.fails(5)
    clock.unix += 15
    assert here.chat(meanwhile=meanwhile) == "the first event"

    assert environment().refusal() is None
    assert here.table_warnings == []
