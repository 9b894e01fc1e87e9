"""Forward the answer's parts of a running request, or cancel the request after a hang-up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from local.workers import frames
from local.workers.in_flight_requests import InFlightRequest
from local.workers.worker_process import WorkerProcess

# Seconds from a cancellation until the worker is killed.
CANCEL_GRACE = 3.0

# Seconds between two checks for duplicates that wait for the answer.
_CHECK_INTERVAL = 1.0

# Receives the parts of a streamed answer: {"head": {"statusCode", "headers"}}, then bytes.
Deliver = Callable[[frames.Message | bytes], Awaitable[None]]


@dataclass(slots=True)
class WorkerCall:
    """A request that a worker runs.

    Attributes:
        deliver: Receives the parts of a streamed answer.
        in_flight: The registration of the request and its duplicates.
        streamed: Whether the answer is streamed.
        cancelled: Whether the request is cancelled because its caller hung up.

    """

    deliver: Deliver
    in_flight: InFlightRequest
    streamed: bool = False
    cancelled: bool = False
    _hung_up: bool = False
    _worker: WorkerProcess | None = None
    _limit: asyncio.Timeout | None = None

    @contextlib.contextmanager
    def running_on(self, worker: WorkerProcess, limit: asyncio.Timeout) -> Iterator[None]:
        """Register the worker and the time limit until the end of the block."""
        self._worker, self._limit = worker, limit
        try:
            yield
        finally:
            self._worker = self._limit = None

    async def forward(self, frame: frames.Message | bytes) -> None:
        """Forward a part of a streamed answer, unless the caller hung up."""
        if isinstance(frame, dict) and "streamed" in frame:
            self.streamed = True
        elif not self._hung_up:
            await self.deliver(frame)

    def hang_up(self) -> None:
        """Cancel the request as soon as no duplicate waits for the answer."""
        self._hung_up = True
        if (
            self._worker is not None
            and not self.streamed
            and self.in_flight.has_waiting_duplicate()
        ):
            asyncio.get_running_loop().call_later(_CHECK_INTERVAL, self._check_again)
        else:
            self._cancel()

    def _check_again(self) -> None:
        """Check again for duplicates; cancel a streamed answer, which no duplicate can get."""
        if self._worker is not None and not self.cancelled:
            self.hang_up()

    def _cancel(self) -> None:
        """Send the worker a cancellation, and limit its remaining time to 3 s."""
        self.cancelled = True
        if self._worker is None or self._limit is None:
            return
        self._worker.cancel()
        end = asyncio.get_running_loop().time() + CANCEL_GRACE
        with contextlib.suppress(RuntimeError):  # the time limit has passed
            self._limit.reschedule(min(end, self._limit.when() or end))
