"""One request at a worker: deliver the answer's parts, or cancel it when the caller hangs up.

The pool (pool.py) chooses the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from local.workers import frames
from local.workers.in_flight_requests import InFlightRequest
from local.workers.worker_process import WorkerProcess

# Seconds in which a worker must stop after a cancellation; then it is killed.
CANCEL_GRACE = 3.0

# Seconds between two checks for other requests that wait for the answer.
_CHECK_INTERVAL = 1.0

# Takes the parts of a streamed answer: {"head": {"statusCode", "headers"}}, then bytes.
Deliver = Callable[[frames.Message | bytes], Awaitable[None]]


@dataclass(slots=True)
class WorkerCall:
    """A request at a worker.

    Attributes:
        deliver: Takes the parts of a streamed answer.
        in_flight: Knows whether other requests wait for this one's answer.
        streamed: Whether its answer is a streamed one.
        cancelled: Whether it is cancelled, because its caller hung up.

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
        """Register the worker and the time limit for the length of the block."""
        self._worker, self._limit = worker, limit
        try:
            yield
        finally:
            self._worker = self._limit = None

    async def forward(self, frame: frames.Message | bytes) -> None:
        """Pass on a part of a streamed answer, unless its caller hung up."""
        if isinstance(frame, dict) and "streamed" in frame:
            self.streamed = True
        elif not self._hung_up:
            await self.deliver(frame)

    def hang_up(self) -> None:
        """Cancel the request, as soon as no other one waits for its answer."""
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
        """Check again; a stream is cancelled then, because it has its own caller alone."""
        if self._worker is not None and not self.cancelled:
            self.hang_up()

    def _cancel(self) -> None:
        """Send the worker a cancellation and start its grace period."""
        self.cancelled = True
        if self._worker is None or self._limit is None:
            return
        self._worker.cancel()
        end = asyncio.get_running_loop().time() + CANCEL_GRACE
        with contextlib.suppress(RuntimeError):  # its time is over already
            self._limit.reschedule(min(end, self._limit.when() or end))
