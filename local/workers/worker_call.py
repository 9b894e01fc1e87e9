"""One request at a worker: deliver the answer's parts, or cancel it when the caller hangs up.

The pool (pool.py) chooses the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from local.workers import frames
from local.workers.in_flight_requests import Answering
from local.workers.worker_process import Process

# Seconds in which a worker must stop after a cancellation; then it is killed.
GRACE = 3.0

# Seconds between two checks for other requests that wait for the answer.
_LOOK = 1.0

# Takes the parts of a streamed answer: {"head": {"statusCode", "headers"}}, then bytes.
Deliver = Callable[[frames.Message | bytes], Awaitable[None]]


@dataclass(slots=True)
class Call:
    """A request at a worker.

    Attributes:
        deliver: Takes the parts of a streamed answer.
        answering: Knows whether other requests wait for this one's answer.
        live: Whether its answer is a streamed one.
        gone: Whether it is cancelled, because its caller hung up.

    """

    deliver: Deliver
    answering: Answering
    live: bool = False
    gone: bool = False
    _hung_up: bool = False
    _worker: Process | None = None
    _limit: asyncio.Timeout | None = None

    @contextlib.contextmanager
    def begun(self, worker: Process, limit: asyncio.Timeout) -> Iterator[None]:
        """Register the worker and the time limit for the length of the block."""
        self._worker, self._limit = worker, limit
        try:
            yield
        finally:
            self._worker = self._limit = None

    async def take(self, frame: frames.Message | bytes) -> None:
        """Pass on a part of a streamed answer, unless its caller hung up."""
        if isinstance(frame, dict) and "live" in frame:
            self.live = True
        elif not self._hung_up:
            await self.deliver(frame)

    def hang_up(self) -> None:
        """Cancel the request, as soon as no other one waits for its answer."""
        self._hung_up = True
        if self._worker is not None and not self.live and self.answering.awaited():
            asyncio.get_running_loop().call_later(_LOOK, self._look)
        else:
            self._cancel()

    def _look(self) -> None:
        """Check again; a stream is cancelled then, because it has its own caller alone."""
        if self._worker is not None and not self.gone:
            self.hang_up()

    def _cancel(self) -> None:
        """Send the worker a cancellation and start its grace period."""
        self.gone = True
        if self._worker is None or self._limit is None:
            return
        self._worker.cancel()
        end = asyncio.get_running_loop().time() + GRACE
        with contextlib.suppress(RuntimeError):  # its time is over already
            self._limit.reschedule(min(end, self._limit.when() or end))
