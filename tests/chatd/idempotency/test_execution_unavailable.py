"""Unreachable records are answered with 503."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.functions import ask
from tests.support.idempotency import TABLE, break_store, each_surface, once
from tests.support.upstream import Upstream

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.chatd.conftest import Emitted


pytestmark = pytest.mark.usefixtures("provider", "keys")


@each_surface
def test_unreachable_records_are_503_without_a_provider_request(
    provider: Upstream, store: str, path: str, tmp_path: Path, emitted: Callable[[], Emitted]
) -> None:
    break_store(store, tmp_path)
    refused = once(ask("m"), path)

    assert (refused.status, refused.json["error"]["code"]) == (503, "idempotency_unavailable")
    assert refused.headers["retry-after"] == "1"
    assert provider.received == []
    why, line = emitted().log
    assert why["level"] == "WARNING"
    assert line["error.type"] == "idempotency_unavailable"


def test_a_table_that_does_not_respond_is_503_within_ten_seconds(
    provider: Upstream, table: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # a server without a response
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{mute.getsockname()[1]}")
        monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
        began = time.monotonic()
        refused = once(ask("m"))

    assert refused.status == 503
    assert time.monotonic() - began < 10
    assert provider.received == []
