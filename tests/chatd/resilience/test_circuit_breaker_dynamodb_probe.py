"""One environment probes at a time, under a lease; its outcome holds for all."""

from __future__ import annotations

import pytest

from chatd.errors import UpstreamError
from tests.support.circuits import Clock
from tests.support.shared_circuits import MakeEnvironment


def test_only_one_environment_probes_at_a_time(environment: MakeEnvironment, clock: Clock) -> None:
    first, second = environment(), environment()
    first.fails(5)
    clock.unix += 15
    refusals: list[object] = []
    first.chat(meanwhile=lambda: refusals.append(second.refusal()))

    assert refusals[0]
    assert second.requested == 0


def test_the_table_elects_one_of_two_simultaneous_probes(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    first.fails(5)
    clock.unix += 14
    assert second.refusal()
    clock.unix += 1
    refusals: list[object] = []
    # The state that `second` has read is 1 s old: only its conditional write detects the probe.
    first.chat(meanwhile=lambda: refusals.extend(second.refusal() for _ in range(20)))

    assert all(refusals)
    assert second.sent == ["Query", "PutItem"]


def test_a_successful_probe_closes_the_circuit_everywhere_within_five_seconds(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    first.fails(5)
    second.refusal()
    clock.unix += 15
    first.chat()
    assert first.refusal() is None
    clock.unix += 5

    assert second.refusal() is None
    assert second.sent.count("PutItem") == 0


def test_a_failed_probe_opens_the_circuit_everywhere(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    first.fails(5)
    clock.unix += 15
    first.fails(1)
    clock.unix += 14

    assert second.refusal()


def test_the_probe_of_an_ended_environment_is_taken_over(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    first.fails(5)
    clock.unix += 15
    first.ends_with(KeyError("the environment dies"))
    assert second.refusal()
    clock.unix += 15

    assert second.refusal() is None


def test_a_late_failed_probe_does_not_open_the_circuit_again(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()

    def meanwhile() -> None:
        clock.unix += 16
        assert second.refusal() is None

    first.fails(5)
    clock.unix += 15
    with pytest.raises(UpstreamError):
        first.chat(UpstreamError("slow"), meanwhile=meanwhile)
    clock.unix += 5

    assert environment().refusal() is None
    assert first.refusal() is None
    assert first.table_warnings == []


def test_a_late_successful_probe_closes_the_circuit_after_a_failed_one(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()

    def meanwhile() -> None:
        clock.unix += 16
        second.ends_with(UpstreamError("500"))

    first.fails(5)
    clock.unix += 15
    assert first.chat(meanwhile=meanwhile) == "the first event"

    assert environment().refusal() is None
    assert first.table_warnings == []
