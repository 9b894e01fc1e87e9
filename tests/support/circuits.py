"""Run several execution environments' circuit breakers in one process, with a manual clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from unittest import mock

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import base
from aws_lambda_powertools.utilities.circuit_breaker.persistence import base as persistence
from aws_lambda_powertools.utilities.circuit_breaker.persistence import dynamodb

from chatd.errors import ChatdError, NoHealthyProviderError, UpstreamError
from chatd.resilience.circuit_breaker import CircuitBreakers
from chatd.resilience.circuit_breaker_store import Store
from local import template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
COUNTERS = ("_LOCAL_FAILURES", "_LOCAL_SUCCESSES", "_LAST_OBSERVED_STATE")


class Clock:
    """A manual clock of Unix time, which also replaces the datetime module in Powertools."""

    def __init__(self) -> None:
        self.unix = 1_800_000_000.0

    def __call__(self) -> float:
        return self.unix

    @property
    def datetime(self) -> Clock:
        return self

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.unix, dt.UTC)


def forget_failures() -> None:
    """Clear Powertools' counters, which are global to the process."""
    for name in COUNTERS:
        getattr(base, name).clear()


@contextmanager
def stopped_clock() -> Iterator[Clock]:
    """Yield the manual clock of Powertools' circuit breaker."""
    clock = Clock()
    with (
        mock.patch.object(base, "dt", clock),
        mock.patch.object(persistence, "dt", clock),
        mock.patch.object(dynamodb, "dt", clock),
    ):
        yield clock


def make_table(client: DynamoDBClient, name: str) -> None:
    """Create the stack's table of circuits."""
    stack = template.read(Path(__file__).parents[2] / "template.yaml")
    table = stack.get("Resources").get("CircuitsTable").get("Properties").value
    keys = {key: table[key] for key in ("KeySchema", "AttributeDefinitions", "BillingMode")}
    client.create_table(TableName=name, **keys)


class Environment:
    """The circuit breakers of one execution environment.

    Powertools keeps counters per process and a prober's name per thread, so each environment has
    counters and a thread of its own.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.warnings: list[str] = []
        self.requested = 0
        self._requests = (f"request {number}" for number in count())
        self.circuits = CircuitBreakers(lambda: store, self.warnings.append, clock)
        self._counters: dict[str, Any] = {name: {} for name in COUNTERS}
        self._thread = ThreadPoolExecutor(1)

    def close(self) -> None:
        self._thread.shutdown()

    def chat(
        self,
        failure: Exception | None = None,
        *,
        name: str = "ollama",
        excused: bool = False,
        source: str | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> str:
        """Send a chat with this outcome; `meanwhile` runs during the call of the provider.

        Without a `source` every chat is a request of its own.
        """

        def ask() -> str:
            self.requested += 1
            meanwhile()
            if failure is not None:
                raise failure
            return "the first event"

        source = None if excused else self._source(source)
        return self._inside(lambda: self.circuits.guarded(name, ask, lambda _error: source))

    def fails(self, times: int, name: str = "ollama", *, source: str | None = None) -> None:
        """Send `times` failing chats; each failure reaches the caller."""
        for _ in range(times):
            self.ends_with(UpstreamError("500"), name=name, source=source)

    def ends_with(
        self,
        failure: Exception,
        *,
        name: str = "ollama",
        excused: bool = False,
        source: str | None = None,
    ) -> None:
        """Send one failing chat; the same exception reaches the caller."""
        with pytest.raises(type(failure)) as caught:
            self.chat(failure, name=name, excused=excused, source=source)
        assert caught.value is failure

    def refusal(self, name: str = "ollama") -> ChatdError | None:
        """Return the error of a chat that the breaker rejects, or None if the chat was sent."""
        before = self.requested
        try:
            self.chat(name=name)
        except NoHealthyProviderError as error:
            assert self.requested == before
            return error
        return None

    def ended(self, name: str = "ollama") -> None:
        self._inside(lambda: self.circuits.record_success(name))

    def died(self, name: str = "ollama", *, source: str | None = None) -> None:
        self._inside(lambda: self.circuits.record_failure(name, self._source(source)))

    def _source(self, source: str | None) -> str:
        return next(self._requests) if source is None else source

    def _inside(self, do: Callable[[], T]) -> T:
        def inside() -> T:
            with mock.patch.multiple(base, **self._counters):
                return do()

        return self._thread.submit(inside).result()
