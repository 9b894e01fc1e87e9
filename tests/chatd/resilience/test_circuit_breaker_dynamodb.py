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
    here, there = environment(), environment()
    there.chat()
    here.fails(5)
    clock.unix += 5

    assert there.refusal()
    assert environment().refusal()


def test_a_circuit_closed_in_another_environment_closes_and_resets_its_count(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.chat()
    here.fails(4)
    there.fails(5)
    clock.unix += 5
    assert here.refusal()
    clock.unix += 10
    there.chat()
    clock.unix += 5
    here.fails(4)

    assert here.refusal() is None


def test_a_circuit_closed_in_another_environment_needs_failures_of_two_requests(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here, there = environment(), environment()
    here.chat()
    here.fails(4)
    there.fails(5)
    clock.unix += 5
    assert here.refusal()
    clock.unix += 10
    there.chat()
    clock.unix += 5
    here.fails(6, source="one")

    assert here.refusal() is None


def test_twenty_circuits_and_a_thousand_chats_cost_one_read_in_five_seconds(
    environment: MakeEnvironment, clock: Clock
) -> None:
    here = environment()
    for chat in range(1000):
        here.chat(name=f"kimi/k{chat % 20}")
        here.ended(f"kimi/k{chat % 20}")
        clock.unix += 0.01

    assert here.sent == ["Query", "Query"]


def test_reads_of_the_table_are_consistent(environment: MakeEnvironment) -> None:
    # moto's reads are always consistent, so the test reads the request's parameter.
    here = environment()
    requested: list[bool] = []
    here.store.client.meta.events.register(
        "provide-client-params.dynamodb.Query",
        lambda params, **_: requested.append(params["ConsistentRead"]),
    )
    here.chat()

    assert requested == [True]


def test_only_transitions_are_written(environment: MakeEnvironment, clock: Clock) -> None:
    here = environment()
    here.fails(4)
    here.chat()
    here.ended()
    here.died()
    assert here.sent == ["Query"]
    here.ended()
    here.fails(5)
    for _ in range(14):
        here.refusal()
        clock.unix += 1
    clock.unix += 1
    here.chat()

    assert [sent for sent in here.sent if sent != "Query"] == ["PutItem", "PutItem", "UpdateItem"]


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
    here = environment()

    assert here.refusal() is None
    assert here.refusal("kimi/k3")
