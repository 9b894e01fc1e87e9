"""Share circuit breakers among the execution environments of a deployment, in a DynamoDB table.

Imported only if the deployment has the table: Powertools' class imports boto3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.circuit_breaker import CircuitState
from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
    CircuitBreakerDynamoDBPersistence,
    CircuitStateRecord,
)
from aws_lambda_powertools.utilities.circuit_breaker.persistence.base import (
    CircuitBreakerExistingLockError,
)
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chatd.resilience.circuit_breaker_store import MemoryStore, Store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FRESH_SECONDS = 5.0
# After a failure the table is not called for this long; the environment uses its own state.
_SUSPENDED_SECONDS = 30.0
# Each for connecting and for a response, which takes some 10 ms; a chat waits for both.
_TIMEOUT_SECONDS = 0.5
_DEPLOYMENT = "chatd"


def shared(table: str, warn: Callable[[str], None]) -> Store:
    """Return a store on the table, or one in memory if no DynamoDB client can be made.

    Args:
        table: The table's name; its keys are `id` and `circuit`, its time to live `expiration`.
        warn: Gets a sentence about a table that cannot be used.

    """
    config = Config(
        connect_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
        retries={"total_max_attempts": 1},
    )
    try:
        return SharedStore(table, boto3.client("dynamodb", config=config), warn)
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
        warn(f"no client of DynamoDB can be made ({type(error).__name__}); circuits are not shared")
        return MemoryStore()


class SharedStore(CircuitBreakerDynamoDBPersistence):
    """Powertools' store, extended to read all breakers at once, at most every 5 s, and never raise.

    All breakers of the deployment have one partition key, so one Query returns them. A transition
    of this environment is known at once. After a failure the table is not called for 30 s; this
    environment then uses its own state.

    Args:
        table: The table's name.
        client: A client of DynamoDB.
        warn: Gets a sentence about a table that fails.
        clock: Unix time in seconds, which passes while the environment is frozen too.

    """

    def __init__(
        self,
        table: str,
        client: DynamoDBClient,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            table, static_pk_value=_DEPLOYMENT, sort_key_attr="circuit", boto3_client=client
        )
        self._warn = warn
        self._clock = clock
        self._circuits: dict[str, CircuitStateRecord] = {}
        self._next_refresh = float("-inf")
        self._suspended = False

    def get_state(self, name: str) -> CircuitStateRecord:
        """Return the state of a breaker, at most 5 s old, or older while the table fails."""
        if self._clock() >= self._next_refresh:
            self._refresh()
        return self._circuits.get(name) or CircuitStateRecord(name, CircuitState.CLOSED)

    def _refresh(self) -> None:
        with self._tolerate_failure("read"):
            answer = self.client.query(
                TableName=self.table_name,
                KeyConditionExpression="#key = :deployment",
                ExpressionAttributeNames={"#key": self.key_attr},
                ExpressionAttributeValues={":deployment": self._s(self.static_pk_value)},
                ConsistentRead=True,  # a stale read could undo this environment's own write
            )
            records = [self._record_of(item) for item in answer["Items"]]
            self._circuits = {record.name: record for record in records if record}
            self._next_refresh = self._clock() + _FRESH_SECONDS
            self._suspended = False

    def _record_of(self, item: dict[str, Any]) -> CircuitStateRecord | None:
        """Return the breaker of an item, or None if the item is malformed."""
        try:
            return self._item_to_record(item)
        except (ArithmeticError, KeyError, TypeError, ValueError):
            return None

    def _put_record(
        self,
        record: CircuitStateRecord,
        condition: str | None = None,
        expected_opened_at: int | None = None,
    ) -> None:
        try:
            if not self._suspended:
                with self._tolerate_failure("written"):
                    super()._put_record(record, condition, expected_opened_at)
        except CircuitBreakerExistingLockError:
            # Another environment probes. Until the next read this one makes no further call.
            self._circuits[record.name] = replace(record, half_open_owner="another")
            raise
        self._circuits[record.name] = record

    def _update_record(self, record: CircuitStateRecord) -> None:
        if not self._suspended:
            with self._tolerate_failure("written"):
                self.client.update_item(**self._update_of(record))
        self._circuits[record.name] = record

    def _update_of(self, record: CircuitStateRecord) -> dict[str, Any]:
        """Build the update after a probe; a failure counts only for the current owner.

        A provider that hangs can outlast the lease of a probe. When that probe fails at last,
        another environment may have closed the breaker long before.
        """
        update = self._build_update_query(record)
        known = self._circuits.get(record.name)
        if record.state == CircuitState.OPEN and known and known.half_open_owner:
            update["ConditionExpression"] = "#half_open_owner = :owner"
            update["ExpressionAttributeValues"][":owner"] = self._s(known.half_open_owner)
        return update

    @contextmanager
    def _tolerate_failure(self, action: str) -> Iterator[None]:
        """Handle a failing table: warn once, and stop calling the table for a while."""
        try:
            yield
        except CircuitBreakerExistingLockError:
            raise
        except Exception as error:  # noqa: BLE001  # a failing table must not fail a chat
            reason = _reason(error)
            if reason == "ConditionalCheckFailedException":
                return  # an overtaken probe; the next read has the state
            self._suspended = True
            self._next_refresh = self._clock() + _SUSPENDED_SECONDS
            self._warn(
                f"the circuits' table {self.table_name!r} could not be {action} ({reason});"
                f" this environment uses its own state for {_SUSPENDED_SECONDS:.0f} s"
            )


def _reason(error: Exception) -> str:
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "unknown")
    return type(error).__name__
