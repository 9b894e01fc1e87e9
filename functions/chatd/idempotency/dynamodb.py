"""Store answers by idempotency key in a DynamoDB table, with Powertools' persistence layer.

Importing this module imports boto3, as Powertools' idempotency package does too.

Powertools hashes the scope and the body once more, with the configured hash, and logs only that
hash (at DEBUG). A record with another body is refused also while its request is in flight, since a
failed write returns the existing record.
https://github.com/aws-powertools/powertools-lambda-python/blob/v3.37.0/aws_lambda_powertools/utilities/idempotency/persistence/dynamodb.py
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import (
    STATUS_CONSTANTS,
    DataRecord,
)
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chatd.idempotency import (
    KEPT_SECONDS,
    IdempotencyKey,
    Records,
    RecordsUnavailableError,
    StoredRecord,
    in_flight,
    reused,
)

# Part of every record's name: the table may serve others.
_PREFIX = "chat"


class DynamoDB:
    """Hold the records in one table.

    Args:
        table: Its name; its partition key is `id`, and `expiration` its time to live.
        environ: The environment; `AWS_ENDPOINT_URL_DYNAMODB` names another endpoint.

    """

    def __init__(self, table: str, environ: Mapping[str, str]) -> None:
        self._table = table
        self._environ = environ
        self._layer: _Layer | None = None

    def claim(self, key: IdempotencyKey, left_ms: int) -> StoredRecord | None:
        """Claim a key, or return its stored answer; each call to the table ends within 5 s."""
        try:
            with self._reachable_layer() as layer:
                layer.save_inprogress(_powertools_event(key), left_ms)
        except IdempotencyValidationError:
            raise reused() from None
        except IdempotencyItemAlreadyExistsError as error:
            existing = error.old_data_record
            if existing is None or existing.status != STATUS_CONSTANTS["COMPLETED"]:
                raise in_flight() from None
            return existing.response_json_as_dict()
        return None

    def keep(self, key: IdempotencyKey, record: StoredRecord) -> None:
        """Store the answer under a claimed key."""
        with self._reachable_layer() as layer:
            layer.save_success(_powertools_event(key), dict(record))

    def release(self, key: IdempotencyKey) -> None:
        """Release a claimed key."""
        with self._reachable_layer() as layer:
            layer.delete_record(_powertools_event(key), Exception())

    @contextmanager
    def _reachable_layer(self) -> Iterator[_Layer]:
        try:
            self._layer = self._layer or self._make_layer()
            yield self._layer
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            raise RecordsUnavailableError(
                f"DynamoDB answered {code} for the table {self._table!r}"
            ) from None
        except BotoCoreError as error:
            raise RecordsUnavailableError(
                f"DynamoDB could not be reached for the table {self._table!r}"
                f" ({type(error).__name__})"
            ) from None

    def _make_layer(self) -> _Layer:
        # At DEBUG, which an operator may set for a function, botocore logs the requests.
        log = logging.getLogger("botocore")
        log.setLevel(max(log.level, logging.INFO))
        client = boto3.client(
            "dynamodb",
            endpoint_url=self._environ.get("AWS_ENDPOINT_URL_DYNAMODB") or None,
            config=Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 2}),
        )
        layer = _Layer(self._table, boto3_client=client)
        layer.configure(
            IdempotencyConfig(
                event_key_jmespath="scope",
                payload_validation_jmespath="body",
                raise_on_no_idempotency_key=True,
                expires_after_seconds=KEPT_SECONDS,
                hash_function="sha256",
            ),
            key_prefix=_PREFIX,
        )
        return layer


_CONFORMS: type[Records] = DynamoDB


class _Layer(DynamoDBPersistenceLayer):
    """Powertools' layer, with recognition of its own record.

    If DynamoDB's response to a write is lost, botocore writes again and finds its own record. The
    request would then be refused because of itself, and so would all later ones with the key.
    """

    def _put_record(self, data_record: DataRecord) -> None:
        try:
            super()._put_record(data_record)
        except IdempotencyItemAlreadyExistsError as error:
            if not _is_own(data_record, error):
                raise


def _is_own(written: DataRecord, error: IdempotencyItemAlreadyExistsError) -> bool:
    """Whether the existing record is the one that a lost attempt of this write stored."""
    cause, existing = error.__cause__, error.old_data_record
    return (
        isinstance(cause, ClientError)
        and cause.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
        and existing is not None
        and existing.in_progress_expiry_timestamp == written.in_progress_expiry_timestamp
    )


def _powertools_event(key: IdempotencyKey) -> dict[str, str]:
    """Write the key as the event that Powertools expects."""
    return {"scope": key.scope, "body": key.body}
