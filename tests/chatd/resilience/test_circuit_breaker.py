"""Circuits open and close by the same rules in memory and in the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil

import pytest

from chatd.errors import (
    AnswerTooLargeError,
    ChatdError,
    ContentRefusedError,
    ContextTooLongError,
    CredentialsUnavailableError,
    FormatNotMetError,
    InternalError,
    InvalidRequestError,
    NoHealthyProviderError,
    QuotaExhaustedError,
    RateLimitedError,
    UpstreamAuthError,
    UpstreamError,
    UpstreamNotFoundError,
    UpstreamOverloadedError,
    UpstreamRefusedError,
    UpstreamTimeoutError,
)
from chatd.resilience.circuit_breaker_store import MemoryStore
from tests.support.circuits import Clock, Environment


def in_memory(request: pytest.FixtureRequest, clock: Clock) -> Environment:
    return Environment(MemoryStore(clock), clock)


def in_a_table(request: pytest.FixtureRequest, clock: Clock) -> Environment:
    import boto3  # noqa: PLC0415  # only here

    from chatd.resilience.circuit_breaker_dynamodb import SharedStore  # noqa: PLC0415  # as above

    table = request.getfixturevalue("circuits_table")
    warnings: list[str] = []
    store = SharedStore(table, boto3.client("dynamodb"), warnings.append, clock)
    environment = Environment(store, clock)
    request.addfinalizer(store.client.close)
    return environment


@pytest.fixture(params=[in_memory, in_a_table])
def environment(request: pytest.FixtureRequest, clock: Clock) -> Iterator[Environment]:
    make: Callable[[pytest.FixtureRequest, Clock], Environment] = request.param
    environment = make(request, clock)
    yield environment
    environment.close()


@pytest.mark.parametrize(
    "failure",
    [UpstreamError("500"), UpstreamTimeoutError("slow"), UpstreamOverloadedError("503")],
)
def test_five_failures_in_a_row_open_a_circuit(
    environment: Environment, failure: ChatdError
) -> None:
    for _ in range(4):
        environment.ends_with(failure)
    environment.chat()
    environment.ends_with(failure)

    refusal = environment.refusal()

    assert isinstance(refusal, NoHealthyProviderError)
    assert refusal.retry_after == 15
    assert refusal.headers()["Retry-After"] == "15"
    assert "ollama has been failing" in refusal.message


@pytest.mark.parametrize("begun", [False, True])
def test_failures_of_one_request_open_no_circuit(environment: Environment, begun: bool) -> None:
    for _ in range(12):
        if begun:
            environment.chat()
            environment.died(source="one")
        else:
            environment.fails(1, source="one")
    assert environment.refusal() is None
    environment.fails(1, source="another")

    assert environment.refusal()


def test_a_connection_failure_needs_no_second_request_to_open_a_circuit(
    environment: Environment,
) -> None:
    environment.fails(4, source="one")
    assert environment.refusal() is None
    environment.fails(1, source="")

    assert environment.refusal()


def test_a_second_request_counts_only_since_the_last_success(
    environment: Environment,
) -> None:
    environment.fails(1, source="another")
    environment.ended()
    environment.fails(5, source="one")

    assert environment.refusal() is None


def test_a_closed_circuit_needs_failures_of_two_requests_again(
    environment: Environment, clock: Clock
) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.chat()
    environment.fails(6, source="one")
    assert environment.refusal() is None
    environment.fails(1, source="another")

    assert environment.refusal()


def test_probes_of_one_request_do_not_keep_a_circuit_open(
    environment: Environment, clock: Clock
) -> None:
    """A caller that repeats a failing request sends nearly every probe."""
    environment.fails(5)
    for _ in range(2):
        clock.unix += 15
        environment.fails(1, source="one")

    assert environment.refusal() is None
    environment.fails(4)
    assert environment.refusal() is None


@pytest.mark.parametrize("sources", [["one", "another"], ["", ""], ["one", "one", "another"]])
def test_failed_probes_of_two_requests_or_without_a_connection_keep_a_circuit_open(
    environment: Environment, clock: Clock, sources: list[str]
) -> None:
    environment.fails(5)
    for source in sources:
        clock.unix += 15
        environment.fails(1, source=source)

    assert environment.refusal()


def test_a_probe_of_the_same_request_counts_again_after_the_circuit_closed(
    environment: Environment, clock: Clock
) -> None:
    for _ in range(2):
        environment.fails(5)
        clock.unix += 15
        environment.fails(1, source="one")
        assert environment.refusal()
        clock.unix += 15
        environment.chat()


def test_a_circuit_that_opens_or_closes_is_a_warning(
    environment: Environment, clock: Clock
) -> None:
    environment.fails(5)
    for _ in range(2):  # a failed probe adds no warning
        clock.unix += 15
        environment.fails(1)
    clock.unix += 15
    environment.chat()

    assert environment.warnings == [
        "ollama failed 5 times in a row; it gets no requests but one probe every 15 s",
        "ollama answers again",
    ]


REFUSALS = (
    UpstreamRefusedError("400"),
    ContextTooLongError("long"),
    ContentRefusedError("no"),
    UpstreamAuthError("401"),
    UpstreamNotFoundError("404"),
    RateLimitedError("429"),
    QuotaExhaustedError("402"),
    FormatNotMetError("prose"),
    AnswerTooLargeError("21 MB"),
)
# Errors before a request is sent; a dialect raises the first.
INTERNAL = (
    InvalidRequestError("no word for it"),
    CredentialsUnavailableError("no key"),
    InternalError("ours"),
    KeyError("a bug"),
)


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_refusal_resets_the_failure_count(environment: Environment, error: ChatdError) -> None:
    environment.fails(4)
    environment.ends_with(error)
    environment.fails(4)

    assert environment.refusal() is None


@pytest.mark.parametrize("failure", INTERNAL, ids=lambda error: type(error).__name__)
def test_an_internal_error_counts_neither_as_failure_nor_as_success(
    environment: Environment, failure: Exception
) -> None:
    for _ in range(6):
        environment.ends_with(failure)
    environment.fails(4)
    environment.ends_with(failure)
    assert environment.refusal() is None

    environment.fails(1)

    assert environment.refusal()


def test_an_excused_failure_counts_neither_as_failure_nor_as_success(
    environment: Environment,
) -> None:
    for _ in range(6):
        environment.ends_with(UpstreamTimeoutError("the caller's time"), excused=True)
    environment.fails(4)
    environment.ends_with(UpstreamTimeoutError("the caller's time"), excused=True)
    assert environment.refusal() is None

    environment.fails(1)

    assert environment.refusal()


def test_broken_streams_add_up_across_first_events(environment: Environment) -> None:
    for _ in range(5):
        assert environment.chat() == "the first event"
        environment.died()

    assert environment.refusal()


def test_a_complete_answer_resets_the_failure_count(environment: Environment) -> None:
    for _ in range(3):
        environment.fails(4)
        environment.chat()
        environment.ended()

    assert environment.refusal() is None


def test_outcomes_of_earlier_chats_do_not_change_an_open_circuit(
    environment: Environment, clock: Clock
) -> None:
    environment.fails(5)
    environment.ended()
    environment.died()
    clock.unix += 14
    assert environment.refusal()
    clock.unix += 1
    environment.died()
    environment.ended()

    assert environment.requested == 5
    environment.fails(1)
    assert environment.refusal()


def test_an_open_circuit_sends_no_request_for_fifteen_seconds(
    environment: Environment, clock: Clock
) -> None:
    environment.fails(5)
    waits = []
    for _ in range(15):
        refusal = environment.refusal()
        assert refusal
        waits.append(refusal.retry_after)
        clock.unix += 1

    assert waits == list(range(15, 0, -1))
    assert environment.refusal() is None


def test_retry_after_is_rounded_up_to_whole_seconds(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    clock.unix += 14.75
    refusal = environment.refusal()

    assert refusal
    assert refusal.headers()["Retry-After"] == "1"


def test_a_probe_s_first_event_closes_the_circuit(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    clock.unix += 15
    assert environment.chat() == "the first event"
    environment.fails(4)

    assert environment.refusal() is None


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_a_refused_probe_closes_the_circuit(
    environment: Environment, clock: Clock, error: ChatdError
) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.ends_with(error)

    assert environment.refusal() is None
    assert environment.warnings[-1] == "ollama answers again"


def test_a_failed_probe_opens_the_circuit_again(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.fails(1)
    for _ in range(3):
        refusal = environment.refusal()
        assert refusal
        assert ceil(refusal.retry_after or 0) <= 15
        clock.unix += 4
    clock.unix += 3

    assert environment.refusal() is None


@pytest.mark.parametrize("failure", INTERNAL, ids=lambda error: type(error).__name__)
def test_a_probe_that_did_not_reach_the_provider_is_repeated_by_the_next_chat(
    environment: Environment, clock: Clock, failure: Exception
) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.ends_with(failure)
    environment.ends_with(UpstreamTimeoutError("the caller's time"), excused=True)
    assert environment.warnings[-1].startswith("ollama failed 5 times")
    environment.fails(1)

    assert environment.refusal()


def test_circuits_are_independent(environment: Environment) -> None:
    environment.fails(5, "kimi/k3")
    environment.fails(4, "kimi/k2")

    assert environment.refusal("kimi/k3")
    assert environment.refusal("kimi/k2") is None


def test_one_chat_probes_until_its_lease_expires(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    opened_at = int(clock.unix)
    store = environment.store
    store.get_state("ollama")
    first, second = (store.try_acquire_half_open("ollama", owner, opened_at) for owner in "ab")
    clock.unix += 15
    given_up = store.try_acquire_half_open("ollama", "c", opened_at)

    assert (first, second, given_up) == (True, False, True)


def test_a_second_chat_is_rejected_during_a_probe(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.store.get_state("ollama")
    environment.store.try_acquire_half_open("ollama", "another thread", int(clock.unix) - 15)
    refusal = environment.refusal()

    assert refusal
    assert refusal.retry_after == 1
