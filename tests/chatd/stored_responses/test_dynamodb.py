"""Rows in the DynamoDB table: throttling, large answers, unreachable tables."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatd.stored_responses import RowKey, StoreUnavailableError
from chatd.stored_responses.dynamodb import DynamoDB
from tests.support.stored_responses import TABLE
from tests.support.unreachable_hosts import closed_port

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEYS = [RowKey("a" * 64, part) for part in range(3)]
ROWS = {key: b"%d" % key.part for key in KEYS}
LATER = 4_000_000_000


class Throttled:
    """A client whose batches leave items unprocessed: in the first answers, or in all of them.

    Args:
        client: The client that serves the rest.
        takes: The number of items that each throttled call serves.
        calls: The number of throttled calls.

    """

    def __init__(self, client: DynamoDBClient, takes: int, calls: int) -> None:
        self._client = client
        self._takes = takes
        self._left = calls

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803  # boto3's name
        keys = RequestItems[TABLE]["Keys"]
        served, rest = self._split(keys)
        answer: Any = {"Responses": {}}
        if served:
            answer = self._client.batch_get_item(RequestItems={TABLE: {"Keys": served}})
        return {**answer, "UnprocessedKeys": {TABLE: {"Keys": rest}} if rest else {}}

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803  # boto3's name
        served, rest = self._split(RequestItems[TABLE])
        if served:
            self._client.batch_write_item(RequestItems={TABLE: served})
        return {"UnprocessedItems": {TABLE: rest} if rest else {}}

    def _split(self, items: list[Any]) -> tuple[list[Any], list[Any]]:
        self._left -= 1
        return (items, []) if self._left < 0 else (items[: self._takes], items[self._takes :])


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def throttled(table: DynamoDBClient, waits: list[float]) -> Callable[..., DynamoDB]:
    def make(takes: int, calls: int) -> DynamoDB:
        rows = DynamoDB(TABLE, os.environ, sleep=waits.append)
        client: Any = Throttled(table, takes, calls)
        rows._kept_client = client
        return rows

    return make


def test_items_that_a_batch_leaves_are_sent_again_at_once(
    throttled: Callable[..., DynamoDB], waits: list[float]
) -> None:
    rows = throttled(takes=1, calls=100)
    rows.write(ROWS, LATER)
    assert rows.read(KEYS) == ROWS
    rows.delete(KEYS)

    assert rows.read(KEYS) == {}
    assert waits == []


def test_a_batch_of_which_the_table_takes_no_item_is_repeated_after_a_wait(
    throttled: Callable[..., DynamoDB], waits: list[float]
) -> None:
    throttled(takes=0, calls=2).write(ROWS, LATER)
    assert throttled(takes=0, calls=2).read(KEYS) == ROWS

    assert waits == [0.05, 0.1, 0.05, 0.1]


def test_a_table_that_takes_nothing_is_unavailable_after_four_waits(
    throttled: Callable[..., DynamoDB], waits: list[float]
) -> None:
    with pytest.raises(StoreUnavailableError, match="throttles the table 'responses'"):
        throttled(takes=0, calls=1_000).write(ROWS, LATER)

    assert waits == [0.05, 0.1, 0.2, 0.4]


def test_a_missing_table_is_unavailable_by_its_error_code(table: DynamoDBClient) -> None:
    table.delete_table(TableName=TABLE)
    rows = DynamoDB(TABLE, os.environ)

    for call in (lambda: rows.read(KEYS), lambda: rows.delete(KEYS)):
        with pytest.raises(StoreUnavailableError, match=r"ResourceNotFoundException .*'responses'"):
            call()


def test_a_table_without_a_region_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(StoreUnavailableError, match="NoRegionError"):
        DynamoDB(TABLE, {}).read(KEYS)


def test_a_table_that_does_not_answer_costs_eight_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with closed_port() as url:
        rows = DynamoDB(TABLE, {"AWS_ENDPOINT_URL_DYNAMODB": url})
        with pytest.raises(StoreUnavailableError, match="EndpointConnectionError"):
            rows.read(KEYS)
        client: Any = rows._kept_client  # the client is created inside

    config = client.meta.config  # its attributes are created at run time
    client.close()
    attempts = config.retries["total_max_attempts"]
    assert attempts > 1  # one failure is retried
    assert (config.connect_timeout + config.read_timeout) * attempts <= 8


def test_an_item_has_the_time_to_live_of_the_template(table: DynamoDBClient) -> None:
    DynamoDB(TABLE, os.environ).write({KEYS[0]: b"data"}, LATER)
    (item,) = table.scan(TableName=TABLE)["Items"]

    assert item == {
        "id": {"S": "a" * 64},
        "part": {"N": "0"},
        "expiration": {"N": str(LATER)},
        "data": {"B": b"data"},
    }
