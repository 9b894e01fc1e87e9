"""One environment probes at a time, under a lease; its outcome holds for all."""

from __future__ import annotations

import pytest

from chatd.errors import UpstreamError
from tests.support.circuits import Clock
from tests.support.shared_circuits import MakeEnvironment


def test_only_one_environment_probes_at_a_time(environment: MakeEnvironment, clock: Clock) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 15
    refusals: list[object] = []
    here.chat(meanwhile=lambda: refusals.append(there.refusal()))

    assert refusals[0]
    assert there.requested == 0


def test_the_table_elects_one_of_two_simultaneous_probes(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 14
    assert there.refusal()
    clock.unix += 1
    refusals: list[object] = []
    # The state that `there` has read is 1 s old: only its conditional write detects the probe.
    here.chat(meanwhile=lambda: refusals.extend(there.refusal() for _ in range(20)))

    assert all(refusals)
    assert there.sent == ["Query", "PutItem"]


def test_a_successful_probe_closes_the_circuit_everywhere_within_five_seconds(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    there.refusal()
    clock.unix += 15
    here.chat()
    assert here.refusal() is None
    clock.unix += 5

    assert there.refusal() is None
    assert there.sent.count("PutItem") == 0


def test_a_failed_probe_opens_the_circuit_everywhere(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 15
    here.fails(1)
    clock.unix += 14

    assert there.refusal()


def test_the_probe_of_an_ended_environment_is_taken_over(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.fails(5)
    clock.unix += 15
    here.ends_with(KeyError("the environment dies"))
    assert there.refusal()
    clock.unix += 15

    assert there.refusal() is None


def test_a_late_failed_probe_does_not_open_the_circuit_again(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()

    def meanwhile() -> None:
        clock.unix += 16
        assert there.refusal() is None

    here.fails(5)
    clock.unix += 15
    with pytest.raises(UpstreamError):
        here.chat(UpstreamError("slow"), meanwhile=meanwhile)
    clock.unix += 5

    assert environment().refusal() is None
    assert here.refusal() is None
    assert here.table_warnings == []


def test_a_late_successful_probe_closes_the_circuit_after_a_failed_one(
    environment: MakeEnvironment, clock: Clock
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
