"""A duplicate has the same key, caller, route and body, and counts for 10 s."""

from __future__ import annotations

from typing import Any

import pytest

from local.workers.in_flight_requests import InFlightRequests

EVENT: dict[str, Any] = {
    "headers": {"idempotency-key": "one"},
    "requestContext": {},
    "httpMethod": "POST",
    "resource": "/v1/chat",
    "body": "{}",
}


def test_a_request_has_a_waiting_duplicate_after_a_second_with_its_key() -> None:
    requests = InFlightRequests()
    first = requests.begin(EVENT)
    alone = first.has_waiting_duplicate()
    second = requests.begin(dict(EVENT))

    # The second too: either of the two may hold the key.
    assert (alone, first.has_waiting_duplicate(), second.has_waiting_duplicate()) == (
        False,
        True,
        True,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"headers": {"idempotency-key": "two"}},
        {"headers": {"idempotency-key": "one", "x-api-key": "k"}},
        {"headers": {}},
        {"requestContext": {"authorizer": {"principalId": "caller-2"}}},
        {"resource": "/v1/chat/completions"},
        {"body": None},
    ],
)
def test_another_key_caller_route_or_body_makes_no_duplicate(other: dict[str, Any]) -> None:
    requests = InFlightRequests()
    first = requests.begin(EVENT)
    requests.begin({**EVENT, **other})

    assert not first.has_waiting_duplicate()


def test_requests_without_a_key_have_no_duplicates() -> None:
    requests = InFlightRequests()
    first = requests.begin({**EVENT, "headers": {}})
    requests.begin({**EVENT, "headers": {}})

    assert not first.has_waiting_duplicate()


def test_a_duplicate_counts_for_ten_seconds() -> None:
    now = [0.0]
    requests = InFlightRequests(clock=lambda: now[0])
    first = requests.begin(EVENT)
    requests.begin(EVENT)
    now[0] = 9.0
    requests.begin(EVENT).end()
    now[0] = 18.9
    late = first.has_waiting_duplicate()
    now[0] = 19.0

    assert (late, first.has_waiting_duplicate()) == (True, False)


def test_after_an_answer_the_next_request_is_the_first() -> None:
    requests = InFlightRequests()
    first = requests.begin(EVENT)
    first.end()
    second = requests.begin(EVENT)
    first.end()  # a second time, which must not end the second request
    requests.begin(EVENT)

    assert (first.has_waiting_duplicate(), second.has_waiting_duplicate()) == (False, True)
