"""The call of one caller: ids, deadline, cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chatd.deadline import Deadline


@dataclass(slots=True, eq=False)
class Call:
    """The call of one caller, which another thread can cancel.

    Attributes:
        request_id: The id of the invocation.
        deadline: The deadline of the answer.
        caller: A name for the caller, as distinct as the event allows.
        api_request_id: API Gateway's id of the request; None for a direct invocation.
        started: The start on the monotonic clock, in seconds.
        cancelled: Set when the caller hung up.

    """

    request_id: str
    deadline: Deadline
    caller: str = ""
    api_request_id: str | None = None
    started: float = field(default_factory=time.monotonic)
    cancelled: threading.Event = field(default_factory=threading.Event)
    _end_exchange: Callable[[], None] | None = field(default=None, init=False, repr=False)

    @property
    def caller_name(self) -> str | None:
        """The caller's name for the log: the name of the key, or IAM's user or role."""
        kind, _, name = self.caller.partition(" ")
        # arn:aws:sts::123456789012:assumed-role/role/session
        return (name.rsplit(":", 1)[-1] if kind == "iam" else name) or None

    def is_over(self) -> bool:
        """Whether the deadline has passed or the caller hung up."""
        return self.deadline.spent or self.cancelled.is_set()

    def cancel(self) -> None:
        """Cancel the call, from any thread: end the current exchange and begin no further one.

        A wait on `cancelled` ends too. Cancelling an ended call does nothing.
        """
        self.cancelled.set()
        if self._end_exchange is not None:
            self._end_exchange()

    def on_cancel(self, end_exchange: Callable[[], None]) -> None:
        """Register the exchange of the current attempt, for `cancel` to end.

        Args:
            end_exchange: Ends the exchange, from any thread; called at once if already cancelled.

        """
        self._end_exchange = end_exchange
        if self.cancelled.is_set():
            end_exchange()
