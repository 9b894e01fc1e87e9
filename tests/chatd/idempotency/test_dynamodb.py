"""Records in the DynamoDB table: retried writes, expiry, unreachable tables."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from chatd.errors import InFlightError
from chatd.idempotency import IdempotencyKey, RecordsUnavailableError
from chatd.idempotency.dynamodb import DynamoDB
from tests.support import answers
from tests.support.functions import ask
from tests.support.idempotency import TABLE, idempotency_outcome, once
from tests.support.upstream import Received, Upstream, raw, reply, then_close, upstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


DAY = 24 * 60 * 60
ONE = IdempotencyKey("a" * 64, "b" * 64)
pytestmark = pytest.mark.usefixtures("provider", "keys")


def test_a_retried_claim_is_not_a_conflict_with_itself(
    provider: Upstream, table: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    moto = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]

    def forward(connection: socket.socket, received: Received) -> None:
        answer = urllib3.request("POST", moto, body=received.body, headers=received.headers)
        if not lost and received.headers["x-amz-target"].endswith("PutItem"):
            lost.append("the first")
            then_close(raw(b""))(connection, received)
            return
        reply(answer.data, answer.status)(connection, received)

    monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
    with upstream(forward) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        first, second = once(ask("m")), once(ask("m"))

    assert lost == ["the first"]
    assert (first.status, idempotency_outcome(first), idempotency_outcome(second)) == (
        200,
        None,
        "replayed",
    )


def test_a_claim_with_the_same_expiry_is_a_conflict(table: DynamoDBClient) -> None:
    """A retried claim is recognized by an identical record only after a lost response."""
    records = DynamoDB(TABLE, os.environ)
    records.claim(ONE, 60_000)
    (item,) = table.scan(TableName=TABLE)["Items"]
    end = int(item["in_progress_expiration"]["N"])
    # Twenty claims: at least one has the same expiry in ms.
    for _ in range(20):
        with pytest.raises(InFlightError):
            records.claim(ONE, max(0, end - int(time.time() * 1000)))


def test_an_item_expires_after_a_day_and_holds_no_text_of_the_chat(
    provider: Upstream, table: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
    provider.script = reply(answers.ollama_chat("CANARY-ANSWER"))
    once(ask("m", "CANARY-PROMPT"), requestContext={"authorizer": {"principalId": "CANARY-ME"}})

    (item,) = table.scan(TableName=TABLE)["Items"]
    assert abs(int(item["expiration"]["N"]) - time.time() - DAY) < 60
    assert item["status"] == {"S": "COMPLETED"}
    assert len(item["id"]["S"].removeprefix("chat#")) == len(item["validation"]["S"]) == 64
    assert "CANARY" not in str(item)


def test_a_table_without_a_region_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(RecordsUnavailableError, match="NoRegionError"):
        DynamoDB(TABLE, {}).claim(ONE, 60_000)
