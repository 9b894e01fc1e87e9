"""Start and stop a worker process, and send events and cancellations to the worker."""

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

# Seconds that the import of a handler may take.
_START_SECONDS = 60.0
# Seconds until a stopped worker is killed.
_STOP_SECONDS = 3.0
# Only the server checks caller keys. The handlers detect Lambda by its function name.
_NOT_FOR_WORKERS = ("CHATD_CALLER_KEYS", "AWS_LAMBDA_FUNCTION_NAME")
# Keys of the message that ends an invocation (worker_main.py).
_FINAL_KEYS = ("result", "error", "end")
_REPOSITORY = Path(__file__).resolve().parents[2]


class WorkerGoneError(Exception):
    """The worker ended before its answer was complete."""


class WorkerStartError(Exception):
    """The worker cannot start or cannot import its handler; the message is the cause."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkerProcess:
    """A running worker.

    Attributes:
        process: The process.
        reader: Receives frames; at EOF after the worker ended.
        writer: Sends frames.

    """

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def start(cls, handler: str, env: Mapping[str, str]) -> WorkerProcess:
        """Start a worker and wait until its handler is imported.

        Args:
            handler: The handler's name, such as `chat.app.lambda_handler`.
            env: The environment, made by `worker_environment`.

        Raises:
            WorkerStartError: If the process cannot start or the import fails.

        """
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise WorkerStartError(f"no socket: {error.strerror}") from None
        with theirs:
            try:
                process = await _spawn(handler, theirs, env)
            except OSError as error:
                ours.close()
                raise WorkerStartError(f"no process: {error.strerror}") from None
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
            first["failed"] if isinstance(first, dict) else "it ended while starting"
        )

    @property
    def ended(self) -> bool:
        """Whether the process ended or closed its socket."""
        return self.reader.at_eof() or self.process.returncode is not None

    async def call(
        self, message: frames.Message, on_part: Callable[[frames.Message | bytes], Awaitable[None]]
    ) -> frames.Message:
        """Send one event, and wait for the message that ends the invocation.

        Args:
            message: The event and its context.
            on_part: Receives the frames before that message: the parts of a streamed answer.

        Raises:
            WorkerGoneError: If the worker ends first.

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
        """Close the socket, which ends the process; kill the process after 3 s."""
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
        # A session of its own: Ctrl-C must signal only the server.
        start_new_session=True,
    )


def worker_environment(code: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a worker's environment: this process's, with the folder `code` on PYTHONPATH."""
    paths = [str(code), str(_REPOSITORY), environ.get("PYTHONPATH", "")]
    env = {name: value for name, value in environ.items() if name not in _NOT_FOR_WORKERS}
    return {
        **env,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        # Write each log line at once.
        "PYTHONUNBUFFERED": "1",
    }
