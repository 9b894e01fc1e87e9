"""Stores of responses: the stack's DynamoDB table and the file of `make run`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatd.stored_responses import Rows
from chatd.stored_responses.dynamodb import DynamoDB
from chatd.stored_responses.sqlite import Sqlite
from tests.support.dynamodb_tables import template_table
from tests.support.stored_responses import TABLE, ManualClock

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that the test sets."""
    return ManualClock()


@pytest.fixture
def table(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Yield a client of the stack's table in DynamoDB."""
    with template_table("ResponsesTable", TABLE, _moto, monkeypatch) as client:
        yield client


@pytest.fixture(params=["sqlite", "dynamodb"])
def rows(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Rows:
    """Return the rows of each store."""
    if request.param == "sqlite":
        return Sqlite(str(tmp_path / "responses"), clock=clock)
    request.getfixturevalue("table")
    return DynamoDB(TABLE, os.environ, clock=clock)
