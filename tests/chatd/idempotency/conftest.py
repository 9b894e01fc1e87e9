"""Stores of answers: the stack's DynamoDB table and the file of `make run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatd.idempotency import Records
from chatd.idempotency.dynamodb import DynamoDB
from chatd.idempotency.sqlite import Sqlite
from tests.support.dynamodb_tables import template_table
from tests.support.idempotency import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def table(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Yield a client of the stack's table in DynamoDB; the environment points boto3 there, too."""
    with template_table("IdempotencyRecords", TABLE, _moto, monkeypatch) as client:
        yield client


@pytest.fixture(params=["sqlite", "dynamodb"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the kind of store that the gateway uses."""
    if request.param == "sqlite":
        monkeypatch.setenv("CHATD_IDEMPOTENCY_FILE", str(tmp_path / "records"))
    else:
        request.getfixturevalue("table")
        monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
    return str(request.param)


@pytest.fixture
def records(store: str, tmp_path: Path) -> Records:
    """Return the records of that store."""
    if store == "sqlite":
        return Sqlite(str(tmp_path / "records"))
    return DynamoDB(TABLE, os.environ)
