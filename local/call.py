"""A request that a worker has, and whether somebody still waits for what comes of it.

Which worker has it is pool.py's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from local import frames
from local.process import Process

# Seconds in which a streamed answer must have stopped once nobody waits for it.
GRACE = 3.0

# Takes what a streamed answer is made of: {"head": {"statusCode", "headers"}}, then bytes.
Deliver = Callable[[frames.Message | bytes], Awaitable[None]]


@dataclass(slots=True)
class Call:
    """The request.

    Attributes:
        live: Whether its answer is a streamed one.
        gone: Whether nobody waits for it any more.

    """

    deliver: Deliver
    live: bool = False
    gone: bool = False
    _worker: Process | None = None
    _limit: asyncio.Timeout | None = None

    @contextlib.contextmanager
    def begun(self, worker: Process, limit: asyncio.Timeout) -> Iterator[None]:
        """The worker has it within the block, for as long as the limit says."""
        self._worker, self._limit = worker, limit
        try:
            yield
        finally:
            self._worker = self._limit = None

    async def take(self, frame: frames.Message | bytes) -> None:
        """Pass on a part of a streamed answer, unless nobody waits for it."""
        if isinstance(frame, dict) and "live" in frame:
            self.live = True
            self._hurry()
        elif not self.gone:
            await self.deliver(frame)

    def hang_up(self) -> None:
        """Nobody waits any more: what is being streamed is to stop."""
        self.gone = True
        if self._worker is not None:
            self._worker.cancel()
        self._hurry()

    def _hurry(self) -> None:
        """Grant a streamed answer its grace; a whole one runs to its end, as on Lambda."""
        if not (self.live and self.gone) or self._limit is None:
            return
        end = asyncio.get_running_loop().time() + GRACE
        with contextlib.suppress(RuntimeError):  # its time is over already
            self._limit.reschedule(min(end, self._limit.when() or end))
