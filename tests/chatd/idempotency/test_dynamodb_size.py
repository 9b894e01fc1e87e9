"""The longest stored answer fits into a DynamoDB item of 400 KiB."""

from __future__ import annotations

import base64
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from chatd.aws_lambda.http import Response
from chatd.idempotency import IdempotencyKey, Records
from chatd.idempotency.dynamodb import DynamoDB
from chatd.idempotency.sqlite import Sqlite
from chatd.idempotency.stored_answer import PackedBody, StoredAnswer, stored_answer
from local import template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[3]
TABLE = "sized"
KEY = IdempotencyKey("a" * 64, "b" * 64)
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
ITEM = 400 * 1024
# Bytes for the other fields of an item; the headers of an answer take a few hundred.
BESIDE = 8 * 1024
NOISE = random.Random(9).randbytes(320 * 1024)  # noqa: S311  # it is to be the same each time
HEADERS = {"Content-Type": "application/json", "x-chatd-dropped-params": "x" * 500}


def packed(size: int) -> bytes | None:
    packing = PackedBody()
    packing.add(NOISE[:size])
    return packing.whole()


def longest_stored() -> int:
    """Return the largest number of incompressible bytes that are stored."""
    fits, does_not = 0, len(NOISE)
    while does_not - fits > 1:
        middle = (fits + does_not) // 2
        if packed(middle) is None:
            does_not = middle
        else:
            fits = middle
    return fits


@pytest.fixture(scope="module")
def largest() -> StoredAnswer:
    body = packed(longest_stored())
    assert body is not None
    return StoredAnswer(HEADERS, body, streamed=True)


@pytest.fixture
def table(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_DYNAMODB": _moto,
    }.items():
        monkeypatch.setenv(name, value)
    resource = template.read(ROOT / "template.yaml").get("Resources").get("IdempotencyRecords")
    shape: dict[str, Any] = {
        name: node.value
        for name, node in resource.get("Properties").children()
        if not name.endswith("Specification")
    }
    client = boto3.client("dynamodb")
    client.create_table(TableName=TABLE, **shape)
    yield client
    client.delete_table(TableName=TABLE)
    client.close()


def stored_and_read(records: Records, answer: StoredAnswer) -> StoredAnswer:
    assert records.claim(KEY, 60_000) is None
    records.keep(KEY, answer.record)
    found = records.claim(KEY, 60_000)
    assert found is not None
    return StoredAnswer.of_record(found)


def test_the_longest_stored_answer_leaves_8_kib_of_an_item(
    largest: StoredAnswer,
) -> None:
    in_base64 = len(base64.b64encode(largest.packed))

    assert ITEM - BESIDE - 4 <= in_base64 <= ITEM - BESIDE


def test_an_answer_one_byte_longer_is_not_stored() -> None:
    assert packed(longest_stored() + 1) is None
    assert packed(longest_stored()) is not None


def test_the_table_stores_the_longest_answer(table: DynamoDBClient, largest: StoredAnswer) -> None:
    found = stored_and_read(DynamoDB(TABLE, os.environ), largest)
    (item,) = table.scan(TableName=TABLE)["Items"]
    size = sum(len(name) + len(str(*value.values())) for name, value in item.items())

    assert (found.packed, found.headers) == (largest.packed, HEADERS)
    assert ITEM - BESIDE <= size <= ITEM


def test_the_file_stores_the_longest_answer(tmp_path: Path, largest: StoredAnswer) -> None:
    found = stored_and_read(Sqlite(str(tmp_path / "records")), largest)

    assert (found.packed, found.streamed) == (largest.packed, True)


def test_a_compressible_answer_of_500_kib_is_stored_and_replayed() -> None:
    text = NOISE.hex()  # compressed to a little more than half
    fitting = text[: 2 * 250 * 1024]
    kept = stored_answer(Response(200, fitting, HEADERS))

    assert kept is not None
    replayed = kept.replayed({"x-chatd-idempotency": "replayed"})
    assert isinstance(replayed, Response)
    assert replayed.body == fitting
    assert stored_answer(Response(200, text, HEADERS)) is None
