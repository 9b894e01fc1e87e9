"""A failing table costs a chat one bounded wait; each environment then uses its own circuits."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.circuits import Clock, make_table
from tests.support.shared_circuits import PATIENCE, MakeEnvironment, SharedEnvironment
from tests.support.upstream import Received, Script, reply, silent, upstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def refusing(action: str = "") -> Script:
    """Refuse this action of DynamoDB, or all; accept the others with an empty result."""
    refusal = reply({"__type": "x#AccessDeniedException", "Message": "secret words"}, status=400)

    def script(connection: socket.socket, received: Received) -> None:
        operation = received.headers["x-amz-target"]
        (refusal if operation.endswith(action) else reply({"Items": []}))(connection, received)

    return script


Failing = tuple[SharedEnvironment, str]


@pytest.fixture(
    params=["missing", "denied", "unwritable", "garbage", "a list", "broken", "down", "black hole"]
)
def failing(
    request: pytest.FixtureRequest,
    dynamodb: DynamoDBClient,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Failing]:
    """Yield an environment with a failing table, and the reason in its warning."""
    with upstream(refusing()) as server:
        faults: dict[str, tuple[str, Script | None]] = {
            "missing": ("read (ResourceNotFoundException)", None),
            "denied": ("read (AccessDeniedException)", refusing()),
            "unwritable": ("written (AccessDeniedException)", refusing("PutItem")),
            "garbage": ("read (KeyError)", reply(b"<html>")),
            "a list": ("read (AttributeError)", reply([])),
            "broken": (
                "read (InternalServerError)",
                reply({"__type": "x#InternalServerError"}, status=500),
            ),
            "down": ("read (EndpointConnectionError)", None),
            "black hole": ("read (ReadTimeoutError)", silent(server)),
        }
        words, script = faults[request.param]
        if script:
            server.script = script
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", server.url)
        if request.param == "down":
            monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
        patience = 0.5 if request.param == "black hole" else PATIENCE
        environment = SharedEnvironment("no-such-table", clock, patience)
        yield environment, words
        environment.close()


def test_a_failing_table_costs_a_hundred_chats_one_bounded_wait(failing: Failing) -> None:
    environment, _ = failing
    started = time.monotonic()
    for _ in range(100):
        assert environment.chat() == "the first event"
        environment.ended()

    assert time.monotonic() - started < 20  # a hundred bounded waits take over a minute
    assert len(environment.sent) <= 1


def test_circuits_are_kept_in_memory_while_the_table_fails(failing: Failing, clock: Clock) -> None:
    environment, _ = failing
    environment.fails(5)
    refusal = environment.refusal()
    assert refusal
    assert refusal.retry_after == 15
    clock.unix += 15
    environment.fails(1)
    assert environment.refusal()
    clock.unix += 14
    assert environment.refusal()
    clock.unix += 1
    environment.chat()
    environment.fails(4)

    assert environment.refusal() is None


def test_a_failing_table_is_one_warning_and_no_call_for_thirty_seconds(
    failing: Failing, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    environment, words = failing
    environment.fails(5)
    for _ in range(14):
        clock.unix += 2
        environment.refusal()
    warning = (
        f"the circuits' table 'no-such-table' could not be {words};"
        " this environment uses its own state for 30 s"
    )
    assert environment.table_warnings == [warning]
    clock.unix += 2
    environment.fails(5, "kimi/k3")

    assert environment.table_warnings == [warning, warning]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_recovered_table_is_used_again(
    environment: MakeEnvironment, clock: Clock, dynamodb: DynamoDBClient
) -> None:
    first, second = environment(), environment()
    dynamodb.delete_table(TableName="circuits")
    first.fails(5)
    make_table(dynamodb, "circuits")
    assert second.refusal() is None
    clock.unix += 30
    assert first.refusal() is None
    first.fails(5)

    assert second.refusal()
    assert len(first.table_warnings) == 1
