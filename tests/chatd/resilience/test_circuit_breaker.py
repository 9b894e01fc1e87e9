"""When a circuit opens and closes, whichever store keeps it."""

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


def test_a_failure_that_does_not_depend_on_the_request_needs_no_second_one(
    environment: Environment,
) -> None:
    environment.fails(4, source="one")
    assert environment.refusal() is None
    environment.fails(1, source="")

    assert environment.refusal()


def test_a_second_request_counts_only_within_the_same_row_of_failures(
    environment: Environment,
) -> None:
    environment.fails(1, source="another")
    environment.ended()
    environment.fails(5, source="one")

    assert environment.refusal() is None


def test_a_circuit_that_closed_again_needs_a_second_request_again(
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
    """Its caller repeats it, and so makes nearly every probe."""
    environment.fails(5)
    for _ in range(2):
        clock.unix += 15
        environment.fails(1, source="one")

    assert environment.refusal() is None
    environment.fails(4)
    assert environment.refusal() is None


@pytest.mark.parametrize("sources", [["one", "another"], ["", ""], ["one", "one", "another"]])
def test_probes_of_two_requests_or_without_a_connection_do(
    environment: Environment, clock: Clock, sources: list[str]
) -> None:
    environment.fails(5)
    for source in sources:
        clock.unix += 15
        environment.fails(1, source=source)

    assert environment.refusal()


def test_a_request_s_probe_counts_again_once_the_circuit_was_closed(
    environment: Environment, clock: Clock
) -> None:
    for _ in range(2):
        environment.fails(5)
        clock.unix += 15
        environment.fails(1, source="one")
        assert environment.refusal()
        clock.unix += 15
        environment.chat()


def test_an_operator_is_told_when_a_circuit_opens_and_when_it_closes(
    environment: Environment, clock: Clock
) -> None:
    environment.fails(5)
    for _ in range(2):  # a probe that fails is no news
        clock.unix += 15
        environment.fails(1)
    clock.unix += 15
    environment.chat()

    assert environment.warnings == [
        "ollama failed 5 times in a row; it gets no requests but one probe every 15 s",
        "ollama answers again",
    ]


SIGNS_OF_LIFE = (
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
# The provider has no part in these; the first is what an adapter raises that cannot write it.
OURS = (
    InvalidRequestError("no word for it"),
    CredentialsUnavailableError("no key"),
    InternalError("ours"),
    KeyError("a bug"),
)


@pytest.mark.parametrize("sign", SIGNS_OF_LIFE, ids=lambda error: type(error).__name__)
def test_a_refusal_is_a_sign_of_life(environment: Environment, sign: ChatdError) -> None:
    environment.fails(4)
    environment.ends_with(sign)
    environment.fails(4)

    assert environment.refusal() is None


@pytest.mark.parametrize("failure", OURS, ids=lambda error: type(error).__name__)
def test_a_failure_of_our_own_counts_neither_way(
    environment: Environment, failure: Exception
) -> None:
    for _ in range(6):
        environment.ends_with(failure)
    environment.fails(4)
    environment.ends_with(failure)
    assert environment.refusal() is None

    environment.fails(1)

    assert environment.refusal()


def test_a_failure_that_is_excused_counts_neither_way(environment: Environment) -> None:
    for _ in range(6):
        environment.ends_with(UpstreamTimeoutError("the caller's time"), excused=True)
    environment.fails(4)
    environment.ends_with(UpstreamTimeoutError("the caller's time"), excused=True)
    assert environment.refusal() is None

    environment.fails(1)

    assert environment.refusal()


def test_deaths_add_up_across_answers_that_began(environment: Environment) -> None:
    for _ in range(5):
        assert environment.chat() == "the first event"
        environment.died()

    assert environment.refusal()


def test_an_answer_that_came_whole_forgets_what_failed_before(environment: Environment) -> None:
    for _ in range(3):
        environment.fails(4)
        environment.chat()
        environment.ended()

    assert environment.refusal() is None


def test_what_began_before_a_circuit_opened_no_longer_tells(
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

    assert environment.asked == 5
    environment.fails(1)
    assert environment.refusal()


def test_nobody_is_asked_for_fifteen_seconds(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    waits = []
    for _ in range(15):
        refusal = environment.refusal()
        assert refusal
        waits.append(refusal.retry_after)
        clock.unix += 1

    assert waits == list(range(15, 0, -1))
    assert environment.refusal() is None


def test_part_of_a_second_is_not_promised_away(environment: Environment, clock: Clock) -> None:
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


@pytest.mark.parametrize("sign", SIGNS_OF_LIFE, ids=lambda error: type(error).__name__)
def test_a_probe_s_refusal_closes_the_circuit_too(
    environment: Environment, clock: Clock, sign: ChatdError
) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.ends_with(sign)

    assert environment.refusal() is None
    assert environment.warnings[-1] == "ollama answers again"


def test_a_probe_that_fails_opens_the_circuit_again(environment: Environment, clock: Clock) -> None:
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


@pytest.mark.parametrize("failure", OURS, ids=lambda error: type(error).__name__)
def test_a_probe_that_never_reached_the_provider_leaves_the_next_chat_to_probe(
    environment: Environment, clock: Clock, failure: Exception
) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.ends_with(failure)
    environment.ends_with(UpstreamTimeoutError("the caller's time"), excused=True)
    assert environment.warnings[-1].startswith("ollama failed 5 times")
    environment.fails(1)

    assert environment.refusal()


def test_circuits_do_not_touch_each_other(environment: Environment) -> None:
    environment.fails(5, "kimi/k3")
    environment.fails(4, "kimi/k2")

    assert environment.refusal("kimi/k3")
    assert environment.refusal("kimi/k2") is None


def test_only_one_may_probe(environment: Environment, clock: Clock) -> None:
    environment.fails(5)
    opened_at = int(clock.unix)
    store = environment.store
    store.get_state("ollama")
    first, second = (store.try_acquire_half_open("ollama", who, opened_at) for who in "ab")
    clock.unix += 15
    given_up = store.try_acquire_half_open("ollama", "c", opened_at)

    assert (first, second, given_up) == (True, False, True)


def test_a_second_chat_is_turned_away_while_one_probes(
    environment: Environment, clock: Clock
) -> None:
    environment.fails(5)
    clock.unix += 15
    environment.store.get_state("ollama")
    environment.store.try_acquire_half_open("ollama", "another thread", int(clock.unix) - 15)
    refusal = environment.refusal()

    assert refusal
    assert refusal.retry_after == 1
