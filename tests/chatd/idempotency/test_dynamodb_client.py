"""The client of the idempotency table fails within 5 s."""

from __future__ import annotations

from typing import Any

import pytest

from chatd.idempotency import IdempotencyKey, RecordsUnavailableError
from chatd.idempotency.dynamodb import DynamoDB
from tests.support.unreachable_hosts import closed_port


def test_a_table_that_does_not_answer_costs_five_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with closed_port() as url:
        records = DynamoDB("answers", {"AWS_ENDPOINT_URL_DYNAMODB": url})
        with pytest.raises(RecordsUnavailableError):
            records.claim(IdempotencyKey("scope", "body"), 1_000)

        layer = records._layer  # the client is created inside
        assert layer is not None
        with pytest.raises(RecordsUnavailableError):
            records.release(IdempotencyKey("scope", "body"))

    assert records._layer is layer  # one client serves every call
    config: Any = layer.client.meta.config  # its attributes are created at run time
    layer.client.close()
    attempts = config.retries["total_max_attempts"]
    assert attempts > 1  # one failure is retried
    assert (config.connect_timeout + config.read_timeout) * attempts <= 5
