"""Hold rows in a DynamoDB table.

Importing this module imports boto3.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chatd.stored_responses import RowKey, Rows, StoreUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# DynamoDB's limits on one call; a call of 25 rows of 380 KB is below its 16 MB.
_MAX_READ, _MAX_WRITTEN = 100, 25
# Seconds to wait before a batch is repeated of which the table took no item.
_WAITS = (0.05, 0.1, 0.2, 0.4)


class DynamoDB:
    """Hold the rows in one table.

    Each call to the table ends within 8 s: 1 s to connect and 3 s of silence, twice.

    Args:
        table: Its name; its keys are `id` (S) and `part` (N), its time to live is `expiration`.
        environ: The environment; `AWS_ENDPOINT_URL_DYNAMODB` names another endpoint.
        clock: Seconds since 1970. DynamoDB deletes an expired item within days, so a read skips
            expired ones.
        sleep: Waits for a number of seconds.

    """

    def __init__(
        self,
        table: str,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = table
        self._environ = environ
        self._clock = clock
        self._sleep = sleep
        self._kept_client: DynamoDBClient | None = None

    def read(self, keys: Sequence[RowKey]) -> Mapping[RowKey, bytes]:
        """Return the rows that exist and have not expired, with consistent reads."""
        now = self._clock()
        found: dict[RowKey, bytes] = {}

        def get(client: DynamoDBClient, batch: list[RowKey]) -> list[RowKey]:
            answer: Any = client.batch_get_item(
                RequestItems={
                    self._table: {"Keys": [_item(key) for key in batch], "ConsistentRead": True}
                }
            )
            for item in answer["Responses"].get(self._table, ()):
                if int(item["expiration"]["N"]) > now:
                    found[_key(item)] = item["data"]["B"]
            left = answer.get("UnprocessedKeys", {}).get(self._table, {"Keys": ()})
            return [_key(item) for item in left["Keys"]]

        self._in_batches(list(dict.fromkeys(keys)), _MAX_READ, get)
        return found

    def write(self, rows: Mapping[RowKey, bytes], expires: int) -> None:
        """Write rows."""
        times_out = {"N": str(expires)}

        def put(client: DynamoDBClient, batch: list[RowKey]) -> list[RowKey]:
            items = [
                {**_item(key), "expiration": times_out, "data": {"B": rows[key]}} for key in batch
            ]
            return self._write(client, [{"PutRequest": {"Item": item}} for item in items])

        self._in_batches(list(rows), _MAX_WRITTEN, put)

    def delete(self, keys: Sequence[RowKey]) -> None:
        """Delete the rows that exist."""

        def delete(client: DynamoDBClient, batch: list[RowKey]) -> list[RowKey]:
            return self._write(client, [{"DeleteRequest": {"Key": _item(key)}} for key in batch])

        self._in_batches(list(dict.fromkeys(keys)), _MAX_WRITTEN, delete)

    def _write(self, client: DynamoDBClient, requests: list[Any]) -> list[RowKey]:
        """Send a batch of writes; return the keys of those that the table did not take."""
        answer: Any = client.batch_write_item(RequestItems={self._table: requests})
        left = answer.get("UnprocessedItems", {}).get(self._table, ())
        return [
            _key(
                request["PutRequest"]["Item"]
                if "PutRequest" in request
                else request["DeleteRequest"]["Key"]
            )
            for request in left
        ]

    def _in_batches(
        self,
        pending: list[RowKey],
        size: int,
        send: Callable[[DynamoDBClient, list[RowKey]], list[RowKey]],
    ) -> None:
        """Send batches until the table has taken every key.

        A table that is throttled, or whose answer would be over 16 MB, returns the rest of a batch.
        """
        waits = iter(_WAITS)
        while pending:
            batch, pending = pending[:size], pending[size:]
            with self._reachable_client() as client:
                left = send(client, batch)
            pending = left + pending
            if len(left) == len(batch):
                wait = next(waits, None)
                if wait is None:
                    raise StoreUnavailableError(f"DynamoDB throttles the table {self._table!r}")
                self._sleep(wait)

    @contextmanager
    def _reachable_client(self) -> Iterator[DynamoDBClient]:
        try:
            self._kept_client = self._kept_client or self._make_client()
            yield self._kept_client
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise StoreUnavailableError(
                f"DynamoDB answered {code} for the table {self._table!r}"
            ) from None
        except BotoCoreError as error:
            raise StoreUnavailableError(
                f"DynamoDB could not be reached for the table {self._table!r}"
                f" ({type(error).__name__})"
            ) from None

    def _make_client(self) -> DynamoDBClient:
        # At DEBUG, which an operator may set for a function, botocore logs the requests.
        log = logging.getLogger("botocore")
        log.setLevel(max(log.level, logging.INFO))
        return boto3.client(
            "dynamodb",
            endpoint_url=self._environ.get("AWS_ENDPOINT_URL_DYNAMODB") or None,
            config=Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2}),
        )


_CONFORMS: type[Rows] = DynamoDB


def _item(key: RowKey) -> dict[str, Any]:
    return {"id": {"S": key.id}, "part": {"N": str(key.part)}}


def _key(item: Mapping[str, Any]) -> RowKey:
    return RowKey(item["id"]["S"], int(item["part"]["N"]))
