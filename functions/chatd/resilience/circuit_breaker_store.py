"""Hold the state of circuit breakers: the store's protocol, and a store in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.circuit_breaker import CircuitBreakerConfig, CircuitInfo

# Short enough that callers come back soon after the provider recovers. The cost is one chat in 15 s
# that fails, or is answered by the next model of its tier.
RECOVERY_SECONDS = 15
CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"


class Known(Protocol):
    """The state of a breaker in a store."""

    @property
    def state(self) -> str:
        """CLOSED, OPEN or HALF_OPEN."""

    def to_circuit_info(self) -> CircuitInfo:
        """Convert to the form that Powertools passes to callbacks."""


class Store(Protocol):
    """Hold the breakers, with the methods of a persistence layer that Powertools' handler calls."""

    def configure(self, config: CircuitBreakerConfig, circuit_name: str) -> None:
        """Set the configuration of a breaker, before any other call for the breaker."""

    def get_state(self, name: str) -> Known:
        """Return the state of a breaker; an unknown breaker is closed."""

    def save_open(self, name: str, failure_count: int, opened_at: int) -> None:
        """Open the breaker at a Unix time in seconds."""

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        """Let `owner` probe the breaker opened at that time; return False if a probe is running."""

    def save_closed(self, name: str) -> None:
        """Close the breaker after a successful probe."""

    def save_reopen(self, name: str, opened_at: int) -> None:
        """Open the breaker again after a failed probe."""


@dataclass(frozen=True, slots=True, eq=False)
class BreakerRecord:
    """The state of a breaker, with the fields that Powertools' handler reads."""

    name: str
    state: str = CLOSED
    failure_count: int = 0
    opened_at: int | None = None
    half_open_owner: str | None = None
    probe_lease_expiry: int | None = None

    def to_circuit_info(self) -> CircuitInfo:
        """Convert to the form that Powertools passes to callbacks."""
        from aws_lambda_powertools.utilities.circuit_breaker import (  # noqa: PLC0415  # as above
            CircuitInfo,
            CircuitState,
        )

        return CircuitInfo(self.name, CircuitState(self.state), self.failure_count, self.opened_at)


class MemoryStore:
    """Hold the breakers of one process, which serves one request at a time, so without locks.

    Args:
        clock: Unix time in seconds.

    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: dict[str, BreakerRecord] = {}

    def configure(self, config: CircuitBreakerConfig, circuit_name: str) -> None:
        """Ignore the call: this module has the configuration."""

    def get_state(self, name: str) -> BreakerRecord:
        """Return the state of a breaker; an unknown breaker is closed."""
        return self._records.get(name) or BreakerRecord(name)

    def save_open(self, name: str, failure_count: int, opened_at: int) -> None:
        """Open the breaker at a Unix time in seconds."""
        self._records[name] = BreakerRecord(name, OPEN, failure_count, opened_at)

    def try_acquire_half_open(self, name: str, owner: str, opened_at: int) -> bool:
        """Let `owner` probe for the recovery time, unless a probe is running."""
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
        """Close the breaker after a successful probe."""
        self._records[name] = BreakerRecord(name)

    def save_reopen(self, name: str, opened_at: int) -> None:
        """Open the breaker again after a failed probe."""
        self._records[name] = BreakerRecord(name, OPEN, opened_at=opened_at)
