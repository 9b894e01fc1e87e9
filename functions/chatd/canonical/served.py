"""The provider and the model that serve a chat, as the caller sees them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from chatd.canonical.response import FailedOver


@dataclass(slots=True, eq=False)
class Served:
    """How a chat is served.

    Attributes:
        provider: Who answers.
        model: The provider's name for the model that was asked.
        request_id: The invocation's id.
        instead_of: Who broke off before, as `<provider>/<model>`, if it goes on with their answer.
        started: When the chat began, on the monotonic clock.
        created: When, in seconds since 1970.

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
        """What a caller is told of an answer that one model began and another went on with."""
        if not self.instead_of:
            return None
        return {"from": list(self.instead_of), "by": f"{self.provider}/{self.model}"}

    def after(self, *rescues: FailedOver) -> Served:
        """The same, once others have gone on with the answer."""
        served = self
        for rescued in rescues:
            served = replace(
                served,
                provider=rescued.provider,
                model=rescued.model,
                instead_of=(*served.instead_of, rescued.instead_of),
            )
        return served
