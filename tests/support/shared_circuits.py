"""Run execution environments that share their circuits in a DynamoDB table."""

from __future__ import annotations

from collections.abc import Callable

import boto3
from botocore.config import Config

from chatd.resilience.circuit_breaker_dynamodb import SharedStore
from tests.support.circuits import Clock, Environment

# Seconds for a response of the table on a busy machine.
PATIENCE = 20.0


class SharedEnvironment(Environment):
    """Run an environment with a shared table, and record each operation sent to the table."""

    store: SharedStore

    def __init__(self, table: str, clock: Clock, patience: float = PATIENCE) -> None:
        config = Config(
            connect_timeout=patience, read_timeout=patience, retries={"total_max_attempts": 1}
        )
        client = boto3.client("dynamodb", config=config)
        super().__init__(SharedStore(table, client, self._warn, clock), clock)
        self.table_warnings: list[str] = []
        self.sent: list[str] = []
        client.meta.events.register("before-send.dynamodb", self._count)

    def close(self) -> None:
        super().close()
        self.store.client.close()

    def _warn(self, sentence: str) -> None:
        self.table_warnings.append(sentence)

    def _count(self, event_name: str, **_: object) -> None:
        self.sent.append(event_name.rpartition(".")[2])


MakeEnvironment = Callable[[], SharedEnvironment]
