"""One worker process as the front handles it: start, send an event, cancel, stop.

The pool (pool.py) counts and chooses workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.workers import frames

# Seconds that importing a handler may take.
_START_SECONDS = 60.0
# Seconds in which a stopped worker must end.
_STOP_SECONDS = 3.0
# Only the front checks caller keys, and the code takes this name for a sign of Lambda.
_NOT_FOR_WORKERS = ("CHATD_CALLER_KEYS", "AWS_LAMBDA_FUNCTION_NAME")
# What ends an exchange (worker_main.py).
_FINAL_KEYS = ("result", "error", "end")
_REPOSITORY = Path(__file__).resolve().parents[2]


class WorkerGoneError(Exception):
    """The worker ended before its answer did."""


class WorkerStartError(Exception):
    """The worker could not start or import its handler; the message is the cause."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkerProcess:
    """A running worker.

    Attributes:
        reader: Frames from it; at its end once the worker is gone.

    """

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, handler: str, env: Mapping[str, str]) -> WorkerProcess:
        """Start a worker and wait until its handler is imported.

        Args:
            handler: Such as `chat.app.lambda_handler`.
            env: Its environment, made by `environment`.

        Raises:
            WorkerStartError: When it cannot be.

        """
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise WorkerStartError(f"it cannot be reached: {error.strerror}") from None
        with theirs:
            try:
                process = await _spawn(handler, theirs, env)
            except OSError as error:
                ours.close()
                raise WorkerStartError(f"it cannot be begun: {error.strerror}") from None
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(process, reader, writer)
        first: frames.Message | bytes | None = {
            "failed": f"it was not ready after {_START_SECONDS:g} s"
        }
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                first = await frames.read(reader)
        if isinstance(first, dict) and "ready" in first:
            return worker
        await worker.stop()
        raise WorkerStartError(
            first["failed"] if isinstance(first, dict) else "it died while starting"
        )

    @property
    def ended(self) -> bool:
        """Whether the process has ended, or closed its socket."""
        return self.reader.at_eof() or self.process.returncode is not None

    async def call(
        self, message: frames.Message, on_part: Callable[[frames.Message | bytes], Awaitable[None]]
    ) -> frames.Message:
        """Send one event and wait for the frame that ends the exchange.

        Args:
            message: The event and its context.
            on_part: Takes the frames before the end, the parts of a streamed answer.

        Raises:
            WorkerGoneError: When the worker ended first.

        """
        try:
            self.writer.write(frames.encode(message))
            await self.writer.drain()
        except ConnectionError:
            raise WorkerGoneError from None
        while (answer := await frames.read(self.reader)) is not None:
            if isinstance(answer, dict) and not answer.keys().isdisjoint(_FINAL_KEYS):
                return answer
            await on_part(answer)
        raise WorkerGoneError

    def cancel(self) -> None:
        """Send a cancellation of the current request."""
        self.writer.write(frames.encode({"cancel": True}))

    def kill(self) -> None:
        """Kill the process."""
        if self.process.returncode is None:
            self.process.kill()

    async def stop(self) -> None:
        """Close the socket, which ends the process; kill it if it has not ended in time."""
        self.writer.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.kill()
            await self.process.wait()


async def _spawn(
    handler: str, sock: socket.socket, env: Mapping[str, str]
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local.workers.worker_main"),
        *("--socket", str(sock.fileno()), handler),
        pass_fds=(sock.fileno(),),
        stdin=asyncio.subprocess.DEVNULL,
        env=env,
        # Out of the terminal's reach: Ctrl-C is for the front alone.
        start_new_session=True,
    )


def worker_environment(code: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Make a worker's environment: this process's, with the folder `code` to import from."""
    paths = [str(code), str(_REPOSITORY), environ.get("PYTHONPATH", "")]
    env = {name: value for name, value in environ.items() if name not in _NOT_FOR_WORKERS}
    return {
        **env,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        # A log line must not wait for the next one.
        "PYTHONUNBUFFERED": "1",
    }
