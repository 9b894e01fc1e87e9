"""Stop requests to a model after repeated failures, and probe the model after 15 s.

Powertools holds the states and counts the failures
(https://docs.aws.amazon.com/powertools/python/latest/utilities/circuit_breaker/). A store keeps the
breakers for one environment, or for a whole deployment (circuit_breaker_dynamodb.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

from chatd.errors import ChatdError, NoHealthyProviderError, UpstreamError, UpstreamRefusedError
from chatd.resilience.circuit_breaker_store import CLOSED, OPEN, RECOVERY_SECONDS, Store

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.circuit_breaker import (
        CircuitBreakerConfig,
        CircuitInfo,
        CircuitTransition,
    )
    from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
        CircuitBreakerPersistenceLayer,
    )

# A chat makes at most three attempts: two failed chats in a row open a breaker, one does not.
FAILURES = 5
# Sent by the provider itself, and so a success unless the error trips the breaker. Other failures
# are the gateway's, such as a request that a dialect cannot express, and reached no provider.
_FROM_THE_PROVIDER = (UpstreamError, UpstreamRefusedError)

_T = TypeVar("_T")


class _FailureError(Exception):
    """Signal to Powertools' handler a failure that counts."""


class _UncountedError(Exception):
    """Signal to Powertools' handler an outcome that is neither failure nor success."""


# Returns the source of a failure: the fingerprint of the request, "" if the failure does not depend
# on the request, or None if it does not count.
SourceOf = Callable[[ChatdError], "str | None"]


class _Streak:
    """Consecutive failures, and their requests."""

    def __init__(self) -> None:
        self._failures = 0
        self._source: str | None = None
        self._several = False

    def add(self, source: str) -> None:
        """Count a failure of the request with this fingerprint; "" counts as many requests."""
        self._failures += 1
        self._several = self._several or not source or self._source not in (None, source)
        self._source = source

    @property
    def is_one_request(self) -> bool:
        """Whether enough failures to open the breaker all come from one request."""
        return self._failures >= FAILURES and not self._several


class CircuitBreakers:
    """The circuit breakers of this environment.

    Args:
        store: Makes the store, on the first use of a breaker.
        warn: Gets a sentence about a breaker that opens or closes again.
        clock: Unix time in seconds.

    """

    def __init__(
        self,
        store: Callable[[], Store],
        warn: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._make_store = store
        self._warn = warn
        self._clock = clock
        self._streaks: dict[str, _Streak] = {}
        # The source of the last failed probe, by breaker.
        self._probe_sources: dict[str, str] = {}

    def guarded(self, name: str, attempt: Callable[[], _T], source_of: SourceOf) -> _T:
        """Run an attempt, unless the breaker is open.

        A begun answer does not count yet, so that streams that break off one after another add up:
        `record_success` or `record_failure` must follow. A probe succeeds with its first event.

        Args:
            name: The name of the breaker: a provider or a configured model, never a caller's text,
                because every name is kept.
            attempt: Runs the attempt; returns with its first event.
            source_of: Returns the source of a failure, or None if it does not count.

        Returns:
            The result of `attempt`.

        Raises:
            NoHealthyProviderError: If the breaker is open; no attempt was made.
            Exception: As `attempt` raises.

        """
        if self._closed(name):  # usually: then Powertools' handler is called for failures only
            return self._run_closed(name, attempt, source_of)
        self._streaks.pop(name, None)  # the breaker is open; the count starts again when it closes
        value: _T
        error: ChatdError | None = None

        def probe() -> None:
            nonlocal value, error
            try:
                value = attempt()
            except ChatdError as raised:
                error = raised
                if raised.trips_breaker and self._probe_failure_counts(name, source_of(raised)):
                    raise _FailureError from None
                if raised.trips_breaker or not isinstance(raised, _FROM_THE_PROVIDER):
                    raise _UncountedError from None

        with suppress(_FailureError, _UncountedError):
            self._handle(name, probe)
        if error is not None:
            raise error
        return value

    def _probe_failure_counts(self, name: str, source: str | None) -> bool:
        """Whether a failed probe counts: not if the same request failed the last probe.

        Otherwise a caller that repeats one request, and so makes most probes, could keep the
        breaker open. If the failure does not count, the next chat probes.
        """
        if source is None or (source and source == self._probe_sources.get(name)):
            return False
        self._probe_sources[name] = source
        return True

    def _run_closed(self, name: str, attempt: Callable[[], _T], source_of: SourceOf) -> _T:
        """Run an attempt while the breaker is closed."""
        try:
            return attempt()
        except ChatdError as error:
            if not error.trips_breaker:
                if isinstance(error, _FROM_THE_PROVIDER):
                    self.record_success(name)
            elif (source := source_of(error)) is not None:
                self.record_failure(name, source)
            raise

    def is_open(self, name: str) -> bool:
        """Whether a further attempt would be refused, or would be a probe."""
        return not self._closed(name)

    def record_success(self, name: str) -> None:
        """Count a success: a complete answer, or a refusal of one request."""
        if self._streaks.pop(name, None):  # else no call to the store is needed
            self._report(name, lambda: None)

    def record_failure(self, name: str, source: str) -> None:
        """Count a failure: a stream that broke off, or a failed attempt.

        Failures of one request alone never open the breaker: the request may be the reason. The
        last one is held back until another request fails too.

        Args:
            name: The name of the breaker.
            source: The fingerprint of the request, or "" if the failure does not depend on it.

        """

        def fail() -> NoReturn:
            raise _FailureError

        streak = self._streaks.setdefault(name, _Streak())
        streak.add(source)
        if not streak.is_one_request:
            self._report(name, fail)

    def forget(self) -> None:
        """Drop all breakers, and the store."""
        self._streaks.clear()
        self._probe_sources.clear()
        vars(self).pop("_store", None)

    @cached_property
    def _store(self) -> Store:
        return self._make_store()

    @cached_property
    def _config(self) -> CircuitBreakerConfig:
        from aws_lambda_powertools.utilities.circuit_breaker import (  # noqa: PLC0415  # see _handle
            CircuitBreakerConfig,
        )

        return CircuitBreakerConfig(
            failure_threshold=FAILURES,
            recovery_timeout=RECOVERY_SECONDS,
            success_threshold=1,
            handled_exceptions=_FailureError,
            local_cache_max_age=0,  # the store decides how long a read is fresh
        )

    def _closed(self, name: str) -> bool:
        return self._store.get_state(name).state == CLOSED

    def _report(self, name: str, outcome: Callable[[], None]) -> None:
        """Count an outcome while the breaker is closed; otherwise only a probe counts."""
        if self._closed(name):
            with suppress(_FailureError, NoHealthyProviderError):  # opened in between
                self._handle(name, outcome)

    def _handle(self, name: str, attempt: Callable[[], None]) -> None:
        # Importing it takes 4 ms of a cold start.
        from aws_lambda_powertools.utilities.circuit_breaker.base import (  # noqa: PLC0415
            CircuitBreakerHandler,
        )

        CircuitBreakerHandler(
            attempt,
            name,
            self._config,
            # Its base class imports boto3, so the store only has the same methods.
            cast("CircuitBreakerPersistenceLayer", self._store),
            on_circuit_open=self._refuse,
            on_transition=self._log_transition,
        ).handle()

    def _refuse(self, *, circuit: CircuitInfo) -> NoReturn:
        opened_at = circuit.opened_at or 0
        raise NoHealthyProviderError(
            f"{circuit.name} has been failing, and gets no requests for a while; try again later",
            # While a probe is running or due, the state may change within a second.
            retry_after=max(1.0, opened_at + RECOVERY_SECONDS - self._clock()),
        )

    def _log_transition(self, change: CircuitTransition) -> None:
        if CLOSED in (change.from_state, change.to_state):
            self._probe_sources.pop(change.circuit_name, None)
        if (change.from_state, change.to_state) == (CLOSED, OPEN):
            self._warn(
                f"{change.circuit_name} failed {FAILURES} times in a row; it gets no requests but"
                f" one probe every {RECOVERY_SECONDS} s"
            )
        elif change.to_state == CLOSED:
            self._warn(f"{change.circuit_name} answers again")
