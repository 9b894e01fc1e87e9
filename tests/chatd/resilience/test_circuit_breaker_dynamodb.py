"""Circuits in a table are shared by the environments of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.circuits import Clock
from tests.support.shared_circuits import MakeEnvironment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def test_every_environment_reads_an_open_circuit_within_five_seconds(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    second.chat()
    first.fails(5)
    clock.unix += 5

    assert second.refusal()
    assert environment().refusal()


def test_a_circuit_closed_in_another_environment_closes_and_resets_its_count(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    first.chat()
    first.fails(4)
    second.fails(5)
    clock.unix += 5
    assert first.refusal()
    clock.unix += 10
    second.chat()
    clock.unix += 5
    first.fails(4)

    assert first.refusal() is None


def test_a_circuit_closed_in_another_environment_needs_failures_of_two_requests(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first, second = environment(), environment()
    first.chat()
    first.fails(4)
    second.fails(5)
    clock.unix += 5
    assert first.refusal()
    clock.unix += 10
    second.chat()
    clock.unix += 5
    first.fails(6, source="one")

    assert first.refusal() is None


def test_twenty_circuits_and_a_thousand_chats_cost_one_read_in_five_seconds(
    environment: MakeEnvironment, clock: Clock
) -> None:
    first = environment()
    for chat in range(1000):
        first.chat(name=f"kimi/k{chat % 20}")
        first.ended(f"kimi/k{chat % 20}")
        clock.unix += 0.01

    assert first.sent == ["Query", "Query"]


def test_reads_of_the_table_are_consistent(environment: MakeEnvironment) -> None:
    # moto's reads are always consistent, so the test reads the request's parameter.
    first = environment()
    requested: list[bool] = []
    first.store.client.meta.events.register(
        "provide-client-params.dynamodb.Query",
        lambda params, **_: requested.append(params["ConsistentRead"]),
    )
    first.chat()

    assert requested == [True]


def test_only_transitions_are_written(environment: MakeEnvironment, clock: Clock) -> None:
    first = environment()
    first.fails(4)
    first.chat()
    first.ended()
    first.died()
    assert first.sent == ["Query"]
    first.ended()
    first.fails(5)
    for _ in range(14):
        first.refusal()
        clock.unix += 1
    clock.unix += 1
    first.chat()

    assert [sent for sent in first.sent if sent != "Query"] == ["PutItem", "PutItem", "UpdateItem"]


def test_an_item_holds_the_name_state_times_and_expiration(
    environment: MakeEnvironment, clock: Clock, dynamodb: DynamoDBClient
) -> None:
    environment().fails(5, "kimi/k3")

    (item,) = dynamodb.scan(TableName="circuits")["Items"]

    assert item == {
        "id": {"S": "chatd"},
        "circuit": {"S": "kimi/k3"},
        "state": {"S": "OPEN"},
        "failure_count": {"N": "5"},
        "opened_at": {"N": str(int(clock.unix))},
        "expiration": {"N": str(int(clock.unix) + 15 + 3600)},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"state": {"S": "AJAR"}},
        {"state": {"S": "OPEN"}, "opened_at": {"S": "yesterday"}},
        {"state": {"S": "OPEN"}, "opened_at": {"L": []}},
    ],
)
def test_a_malformed_item_is_ignored(
    environment: MakeEnvironment, dynamodb: DynamoDBClient, wrong: dict[str, Any]
) -> None:
    environment().fails(5, "kimi/k3")
    key = {"id": {"S": "chatd"}, "circuit": {"S": "ollama"}}
    dynamodb.put_item(TableName="circuits", Item={**key, **wrong})
    first = environment()

    assert first.refusal() is None
    assert first.refusal("kimi/k3")
