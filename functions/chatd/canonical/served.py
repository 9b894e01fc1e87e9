"""The provider and model of a response, for the caller."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from chatd.canonical.response import FailedOver


@dataclass(slots=True, eq=False)
class Served:
    """How a chat is served.

    Attributes:
        provider: The provider that answers.
        model: The provider's name of the requested model.
        request_id: The id of the invocation.
        instead_of: The models that broke off, as `<provider>/<model>`, before this one took over.
        started: The start of the chat, on the monotonic clock.
        created: The start of the chat, in seconds since 1970.

    """

    provider: str
    model: str
    request_id: str
    instead_of: tuple[str, ...] = ()
    started: float = field(default_factory=time.monotonic)
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def latency_ms(self) -> int:
        """Milliseconds since the chat began."""
        return round((time.monotonic() - self.started) * 1000)

    @property
    def rescued(self) -> dict[str, Any] | None:
        """The `rescued` field of a response that another model took over; None if none did."""
        if not self.instead_of:
            return None
        return {"from": list(self.instead_of), "by": f"{self.provider}/{self.model}"}

    def after(self, *failovers: FailedOver) -> Served:
        """Return the provider and the model after failovers."""
        served = self
        for failover in failovers:
            served = replace(
                served,
                provider=failover.provider,
                model=failover.model,
                instead_of=(*served.instead_of, failover.instead_of),
            )
        return served
