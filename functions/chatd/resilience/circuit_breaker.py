"""Circuit breakers: stop sending to a model that keeps failing, and probe it after a while.

It knows names and outcomes, and nothing of requests or providers. The states and the counting
are Powertools' (https://docs.aws.amazon.com/powertools/python/latest/utilities/circuit_breaker/);
whether environments share them is the store's affair (circuit_breaker_dynamodb.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn, Protocol, TypeVar, cast

from chatd.errors import ChatdError, NoHealthyProviderError, UpstreamError, UpstreamRefusedError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.circuit_breaker import (
        CircuitBreakerConfig,
        CircuitInfo,
        CircuitTransition,
    )
    from aws_lambda_powertools.utilities.circuit_breaker.persistence import (
        CircuitBreakerPersistenceLayer,
    )

# A chat asks a provider three times at most, so two chats in a row that got nowhere open a circuit,
# and one that was unlucky does not.
FAILURES = 5
# Short enough that callers are back soon after the provider is. What it costs is one chat in 15 s
# that finds out, or is answered by the next model of its tier.
RECOVERY_SECONDS = 15
CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"
# Said by the provider itself, and so signs of life where they do not tell that it is unwell. Other
# failures are our own, such as a request that an adapter cannot write, and no provider was asked.
_SAID_BY_THE_PROVIDER = (UpstreamError, UpstreamRefusedError)

_T = TypeVar("_T")


class Known(Protocol):
    """What a store knows of a circuit."""

    @property
    def state(self) -> str:
        """CLOSED, OPEN or HALF_OPEN."""

    def to_circuit_info(self) -> CircuitInfo:
        """The same, as Powertools shows it to others."""


class Store(Protocol):
    """Keeps the circuits: what Powertools' handler calls of a persistence layer."""

    def configure(self, config: CircuitBreakerConfig, circuit_name: str) -> None:
        """Take a circuit's numbers; called before anything else is asked about it."""

    def get_state(self, name: str) -> Known:
        """The state of a circuit; an unknown circuit is closed."""

    def save_open(self, name: str, failure_count: int, opened_at: int) -> None:
        """Open it, at a Unix time in seconds."""

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        """Let `owner` probe the circuit that was opened then; whether nobody else does."""

    def save_closed(self, name: str) -> None:
        """Close it: a probe went well."""

    def save_reopen(self, name: str, opened_at: int) -> None:
        """Open it again: a probe failed."""


class _FailureError(Exception):
    """Tell Powertools' handler of a failure that counts."""


class _UncountedError(Exception):
    """Tell Powertools' handler of an outcome that is neither failure nor success."""


# Says which request a failure came from: its fingerprint, "" for a failure that does not depend on
# the request, or None for one that does not count.
SourceOf = Callable[[ChatdError], "str | None"]


class _Streak:
    """Failures in a row, and whether more than one request had them."""

    def __init__(self) -> None:
        self._failures = 0
        self._source: str | None = None
        self._several = False

    def add(self, source: str) -> None:
        """Count a failure of the request with this fingerprint; "" is proof by itself."""
        self._failures += 1
        self._several = self._several or not source or self._source not in (None, source)
        self._source = source

    @property
    def is_one_request(self) -> bool:
        """Whether there are enough failures to open the circuit, all of one request."""
        return self._failures >= FAILURES and not self._several


class CircuitBreakers:
    """The circuits of this environment.

    Args:
        store: Makes what keeps them, when the first is asked about.
        warn: Told, as a sentence, of a circuit that opens or closes again.
        clock: Unix time in seconds.

    """

    def __init__(
        self,
        store: Callable[[], Store],
        warn: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._made = store
        self._warn = warn
        self._clock = clock
        self._failing: dict[str, _Streak] = {}
        # The source of the last failed probe, by circuit.
        self._probed: dict[str, str] = {}

    def guarded(self, name: str, ask: Callable[[], _T], source_of: SourceOf) -> _T:
        """Make an attempt, unless the circuit is open.

        An answer that has begun counts neither way yet, so that streams which die one after the
        other add up: `ended` or `died` must follow. Of a probe the first event is enough.

        Args:
            name: The circuit's: of the provider and model, and never a caller's string, because
                every name is kept.
            ask: Makes the attempt; returns when the first event is there.
            source_of: Says which request a failure came from, and whether it counts.

        Returns:
            What `ask` returns.

        Raises:
            NoHealthyProviderError: If the circuit is open; there was no attempt.
            Exception: Whatever `ask` raises.

        """
        if self._closed(name):  # as it nearly always is: Powertools is asked about failures only
            return self._watched(name, ask, source_of)
        self._failing.pop(name, None)  # the circuit is open; after that the count starts anew
        value: _T
        error: ChatdError | None = None

        def probe() -> None:
            nonlocal value, error
            try:
                value = ask()
            except ChatdError as raised:
                error = raised
                if raised.trips_breaker and self._fails_probe(name, source_of(raised)):
                    raise _FailureError from None
                if raised.trips_breaker or not isinstance(raised, _SAID_BY_THE_PROVIDER):
                    raise _UncountedError from None

        with suppress(_FailureError, _UncountedError):
            self._handle(name, probe)
        if error is not None:
            raise error
        return value

    def _fails_probe(self, name: str, source: str | None) -> bool:
        """Whether a failed probe counts: not if the failed probe before was of the same request.

        Otherwise a caller that repeats one request, and so makes most probes, could keep the
        circuit open. Where the failure does not count, the next chat probes.
        """
        if source is None or (source and source == self._probed.get(name)):
            return False
        self._probed[name] = source
        return True

    def _watched(self, name: str, ask: Callable[[], _T], source_of: SourceOf) -> _T:
        """Make an attempt while the circuit is closed."""
        try:
            return ask()
        except ChatdError as error:
            if not error.trips_breaker:
                if isinstance(error, _SAID_BY_THE_PROVIDER):
                    self.ended(name)
            elif (source := source_of(error)) is not None:
                self.died(name, source)
            raise

    def is_open(self, name: str) -> bool:
        """Whether to ask again would be refused, or would be a probe."""
        return not self._closed(name)

    def ended(self, name: str) -> None:
        """Count a success: an answer came whole, or the provider refused one request."""
        if self._failing.pop(name, None):  # else there is nothing to forget, and no store to ask
            self._report(name, lambda: None)

    def died(self, name: str, source: str) -> None:
        """Count a failure: an answer died, or never began.

        Failures of one request alone do not open the circuit, however many there are: the
        request may be the reason. The last one is held back until another request fails too.

        Args:
            name: The circuit's.
            source: The fingerprint of the request, or "" if the failure does not depend on it.

        """

        def fail() -> NoReturn:
            raise _FailureError

        streak = self._failing.setdefault(name, _Streak())
        streak.add(source)
        if not streak.is_one_request:
            self._report(name, fail)

    def forget(self) -> None:
        """Forget every circuit, and the store."""
        self._failing.clear()
        self._probed.clear()
        vars(self).pop("_store", None)

    @cached_property
    def _store(self) -> Store:
        return self._made()

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
            local_cache_max_age=0,  # a store knows best how long what it read is fresh
        )

    def _closed(self, name: str) -> bool:
        return self._store.get_state(name).state == CLOSED

    def _report(self, name: str, outcome: Callable[[], None]) -> None:
        """Count an outcome while the circuit is closed: otherwise only a new request tells."""
        if self._closed(name):
            with suppress(_FailureError, NoHealthyProviderError):  # opened between two looks
                self._handle(name, outcome)

    def _handle(self, name: str, attempt: Callable[[], None]) -> None:
        # 4 ms that no start should wait for.
        from aws_lambda_powertools.utilities.circuit_breaker.base import (  # noqa: PLC0415
            CircuitBreakerHandler,
        )

        CircuitBreakerHandler(
            attempt,
            name,
            self._config,
            # Its base class imports boto3, so ours only looks like one.
            cast("CircuitBreakerPersistenceLayer", self._store),
            on_circuit_open=self._refuse,
            on_transition=self._tell,
        ).handle()

    def _refuse(self, *, circuit: CircuitInfo) -> NoReturn:
        opened_at = circuit.opened_at or 0
        raise NoHealthyProviderError(
            f"{circuit.name} has been failing, and is not asked for a while; try again later",
            # While a probe is under way, or due, a second may tell.
            retry_after=max(1.0, opened_at + RECOVERY_SECONDS - self._clock()),
        )

    def _tell(self, change: CircuitTransition) -> None:
        if CLOSED in (change.from_state, change.to_state):
            self._probed.pop(change.circuit_name, None)
        if (change.from_state, change.to_state) == (CLOSED, OPEN):
            self._warn(
                f"{change.circuit_name} failed {FAILURES} times in a row; it is left alone, and"
                f" tried again every {RECOVERY_SECONDS} s"
            )
        elif change.to_state == CLOSED:
            self._warn(f"{change.circuit_name} answers again")


@dataclass(frozen=True, slots=True, eq=False)
class BreakerRecord:
    """A circuit, with the fields that Powertools' handler reads."""

    name: str
    state: str = CLOSED
    failure_count: int = 0
    opened_at: int | None = None
    half_open_owner: str | None = None
    probe_lease_expiry: int | None = None

    def to_circuit_info(self) -> CircuitInfo:
        """The same, as Powertools shows it to others."""
        from aws_lambda_powertools.utilities.circuit_breaker import (  # noqa: PLC0415  # as above
            CircuitInfo,
            CircuitState,
        )

        return CircuitInfo(self.name, CircuitState(self.state), self.failure_count, self.opened_at)


class MemoryStore:
    """Keeps circuits for one process, which serves one request at a time: nothing is locked.

    Args:
        clock: Unix time in seconds.

    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: dict[str, BreakerRecord] = {}

    def configure(self, config: CircuitBreakerConfig, circuit_name: str) -> None:
        """Do nothing: the numbers are this module's own."""

    def get_state(self, name: str) -> BreakerRecord:
        """The state of a circuit; an unknown circuit is closed."""
        return self._records.get(name) or BreakerRecord(name)

    def save_open(self, name: str, failure_count: int, opened_at: int) -> None:
        """Open it, at a Unix time in seconds."""
        self._records[name] = BreakerRecord(name, OPEN, failure_count, opened_at)

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        """Let `owner` probe, unless another does; for as long as a recovery takes."""
        now = int(self._clock())
        known = self.get_state(name)
        free = known.state == OPEN and known.opened_at == opened_at
        given_up = known.state == HALF_OPEN and (known.probe_lease_expiry or 0) <= now
        if not (free or given_up):
            return False
        self._records[name] = BreakerRecord(
            name,
            HALF_OPEN,
            opened_at=opened_at,
            half_open_owner=owner,
            probe_lease_expiry=now + RECOVERY_SECONDS,
        )
        return True

    def save_closed(self, name: str) -> None:
        """Close it: a probe went well."""
        self._records[name] = BreakerRecord(name)

    def save_reopen(self, name: str, opened_at: int) -> None:
        """Open it again: a probe failed."""
        self._records[name] = BreakerRecord(name, OPEN, opened_at=opened_at)
