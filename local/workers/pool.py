"""Run the requests of one function in workers, which are started on demand up to a limit.

At the limit, further requests wait. A worker serves one request at a time, like a Lambda execution
environment, because Powertools keeps the current event in class attributes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chatd.errors import ChatdError, UpstreamError, UpstreamOverloadedError, UpstreamTimeoutError
from local.routes import Function
from local.workers.in_flight_requests import InFlightRequest
from local.workers.worker_call import CANCEL_GRACE, Deliver, WorkerCall
from local.workers.worker_process import WorkerGoneError, WorkerProcess, WorkerStartError

_log = logging.getLogger("chatd.local")


@dataclass(slots=True)
class WorkerPool:
    """The workers of one function.

    Attributes:
        function: The function whose handler the workers run.
        env: The environment of the workers.
        limit: The maximum of workers.
        release_keys: Called in a thread with the process id of a worker that ended in the middle of
            a request, to release the worker's idempotency keys. Raises nothing.

    """

    function: Function
    env: Mapping[str, str]
    limit: int
    release_keys: Callable[[int], None] = lambda _process: None
    _idle: list[WorkerProcess] = field(default_factory=list)
    _busy: set[WorkerProcess] = field(default_factory=set)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _stopping: bool = False
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.limit)

    async def start(self) -> None:
        """Start the first worker before the first request.

        Raises:
            WorkerStartError: If the handler cannot be imported.

        """
        try:
            self._idle.append(await WorkerProcess.start(self.function.handler, self.env))
        except WorkerStartError as error:
            raise WorkerStartError(
                f"{self.function.name}: {self.function.handler} cannot be imported: {error}"
            ) from None

    async def invoke(
        self,
        event: dict[str, Any],
        request_id: str,
        deliver: Deliver,
        in_flight: InFlightRequest | None = None,
    ) -> Any:
        """Return the handler's result for `event`; None after a streamed answer.

        Cancelling this coroutine cancels the request: it leaves the queue, or its worker gets a
        cancellation and is killed if it has not stopped after 3 s.

        Args:
            event: The request as a proxy event.
            request_id: The id of the request.
            deliver: Receives the parts of a streamed answer.
            in_flight: The registration of the request. While duplicates arrive, a plain answer is
                completed although its own caller hung up.

        Raises:
            ChatdError: 502 if the handler raised or its worker ended, 504 after the function's
                timeout. Parts of a streamed answer may be delivered before the error.

        """
        in_flight = in_flight or InFlightRequest()
        try:
            await self._slots.acquire()
        except asyncio.CancelledError:
            in_flight.end()
            raise
        call = WorkerCall(deliver, in_flight)
        task = asyncio.create_task(self._serve(event, request_id, call))
        self._tasks.add(task)
        task.add_done_callback(self._release_slot)
        task.add_done_callback(lambda _task: in_flight.end())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            call.hang_up()
            raise

    async def stop(self) -> None:
        """Stop every worker, busy or idle."""
        self._stopping = True
        await asyncio.gather(*(worker.stop() for worker in (*self._idle, *self._busy)))
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _release_slot(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled():
            task.exception()  # marks the exception as retrieved, also after a hang-up

    async def _serve(self, event: dict[str, Any], request_id: str, call: WorkerCall) -> Any:
        worker = await self._free_worker()
        if call.cancelled:
            self._idle.append(worker)
            return None
        self._busy.add(worker)
        try:
            async with asyncio.timeout(self.function.timeout) as limit:
                with call.running_on(worker, limit):
                    answer = await worker.call(self._message(event, request_id), call.forward)
        except TimeoutError:
            raise await self._timed_out(worker, call) from None
        except WorkerGoneError:
            raise await self._crashed(worker) from None
        except BaseException:  # unread frames would become part of the next answer
            await self._kill(worker)
            raise
        finally:
            self._busy.discard(worker)
        self._idle.append(worker)
        if "error" in answer:
            raise UpstreamError("Internal server error", code="internal_error")
        return answer.get("result")

    async def _free_worker(self) -> WorkerProcess:
        """Return an idle worker that still runs, or start a worker."""
        self._refuse_when_stopping()
        while self._idle:
            worker = self._idle.pop()
            if not worker.ended:
                return worker
            await worker.stop()
        try:
            worker = await WorkerProcess.start(self.function.handler, self.env)
        except WorkerStartError as error:
            raise self._crash_error(f"a worker cannot start: {error}") from None
        if self._stopping:
            await worker.stop()
        self._refuse_when_stopping()
        return worker

    def _message(self, event: dict[str, Any], request_id: str) -> dict[str, Any]:
        context = {
            "function_name": self.function.name,
            "aws_request_id": request_id,
            "memory_limit_in_mb": self.function.memory,
            "timeout": self.function.timeout,
        }
        return {"event": event, "context": context}

    async def _kill(self, worker: WorkerProcess) -> None:
        """Kill a worker in the middle of a request, and release its idempotency keys."""
        worker.kill()
        await worker.stop()
        await asyncio.to_thread(self.release_keys, worker.process.pid)

    async def _crashed(self, worker: WorkerProcess) -> ChatdError:
        self._refuse_when_stopping()
        await worker.stop()
        await asyncio.to_thread(self.release_keys, worker.process.pid)
        return self._crash_error(f"a worker ended ({_cause(worker.process.returncode)})")

    async def _timed_out(self, worker: WorkerProcess, call: WorkerCall) -> ChatdError:
        await self._kill(worker)
        message = f"{self.function.name} took longer than its {self.function.timeout:g} s"
        if call.cancelled:
            message = (
                f"{self.function.name} continued for {CANCEL_GRACE:g} s after its caller hung up"
            )
        _log.error("%s; its worker was killed", message)
        return UpstreamTimeoutError(message, code="function_timeout")

    def _crash_error(self, cause: str) -> ChatdError:
        _log.error("%s: %s; the next request gets a new worker", self.function.name, cause)
        return UpstreamError(
            f"{self.function.name}: {cause}; see the output of make run",
            code="worker_crashed",
        )

    def _refuse_when_stopping(self) -> None:
        if self._stopping:
            raise UpstreamOverloadedError("The gateway is stopping.", code="stopping")


def _cause(returncode: int | None) -> str:
    if returncode is None or returncode >= 0:
        return f"exit status {returncode}"
    return f"signal {-returncode}"
