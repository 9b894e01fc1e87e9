"""Environments of one deployment share their circuits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.circuits import Clock
from tests.support.shared_circuits import MakeEnvironment, SharedEnvironment


@pytest.fixture
def environment(circuits_table: str, clock: Clock) -> Iterator[MakeEnvironment]:
    """Yield a factory of environments of one deployment."""
    made: list[SharedEnvironment] = []

    def make() -> SharedEnvironment:
        made.append(SharedEnvironment(circuits_table, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()
