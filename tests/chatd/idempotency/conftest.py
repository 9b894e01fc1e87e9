"""Stores of answers: the stack's DynamoDB table and the file of `make run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from chatd.idempotency import Records
from chatd.idempotency.dynamodb import DynamoDB
from chatd.idempotency.sqlite import Sqlite
from local import template
from tests.support.idempotency import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


ROOT = Path(__file__).parents[3]


@pytest.fixture
def table(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Yield a client of the stack's table in DynamoDB; the environment points boto3 there, too."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_DYNAMODB": _moto,
    }.items():
        monkeypatch.setenv(name, value)
    resource = template.read(ROOT / "template.yaml").get("Resources").get("IdempotencyRecords")
    properties = {name: node.value for name, node in resource.get("Properties").children()}
    # CloudFormation's own form of these; tests/stack checks them.
    shape = {
        name: value for name, value in properties.items() if not name.endswith("Specification")
    }
    client = boto3.client("dynamodb")
    client.create_table(TableName=TABLE, **shape)
    yield client
    if TABLE in client.list_tables()["TableNames"]:
        client.delete_table(TableName=TABLE)
    client.close()


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
