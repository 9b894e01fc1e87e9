"""Similar log lines are counted, and exhausted descriptors are one line."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import resource
import socket

import pytest

from local.http_server.log_throttle import LogThrottle, handle_exception
from local.workers.worker_process import WorkerProcess, WorkerStartError


class Clock:
    """A clock that the test sets, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(text: str, name: str = "uvicorn.error", *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "", 0, text, arguments, None)


def test_five_similar_lines_pass_in_ten_seconds() -> None:
    throttle = LogThrottle(Clock())

    assert [throttle.filter(line("Invalid")) for _ in range(1000)] == [True] * 5 + [False] * 995


def test_lines_with_other_arguments_are_similar() -> None:
    throttle = LogThrottle(Clock())

    assert sum(throttle.filter(line("request %s", "a", n)) for n in range(100)) == 5


def test_all_lines_of_asyncio_are_similar() -> None:
    throttle = LogThrottle(Clock())

    assert sum(throttle.filter(line(f"socket at {n:x}", "asyncio")) for n in range(100)) == 5


def test_lines_of_other_kinds_pass() -> None:
    throttle = LogThrottle(Clock())
    for _ in range(10):
        throttle.filter(line("Invalid"))

    assert throttle.filter(line("Other"))
    assert throttle.filter(line("Invalid", "chatd.local"))


def test_after_ten_seconds_the_next_line_counts_the_suppressed_lines() -> None:
    clock = Clock()
    throttle = LogThrottle(clock)
    for _ in range(12):
        throttle.filter(line("Invalid"))
    clock.now = 10.0
    record = line("Invalid")

    assert throttle.filter(record)
    assert record.getMessage() == "Invalid (and 7 such lines before)"
    again = line("Invalid")
    assert throttle.filter(again)
    assert again.getMessage() == "Invalid"


def test_without_suppressed_lines_the_next_line_has_no_count() -> None:
    clock = Clock()
    throttle = LogThrottle(clock)
    for _ in range(5):
        throttle.filter(line("Invalid"))
    clock.now = 10.0
    record = line("Invalid")
    throttle.filter(record)

    assert record.getMessage() == "Invalid"


def test_the_number_of_counted_kinds_is_limited() -> None:
    throttle = LogThrottle(Clock())
    for number in range(10_000):
        throttle.filter(line(f"kind {number}"))

    assert len(throttle._counts) <= 200


def test_exhausted_descriptors_are_one_line_without_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.new_event_loop()
    error = OSError(errno.EMFILE, "Too many open files")
    handle_exception(
        loop, {"message": "socket.accept() out of system resource", "exception": error}
    )
    loop.close()
    (record,) = caplog.records

    assert "no file descriptor left" in record.getMessage()
    assert record.exc_info is None


def test_other_exceptions_go_to_asyncios_handler(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    handle_exception(loop, {"message": "something else", "exception": OSError(errno.EIO, "x")})
    loop.close()
    (record,) = caplog.records

    assert (record.name, record.exc_info is None) == ("asyncio", False)


@pytest.mark.parametrize("spare", [0, 3])
def test_without_descriptors_a_workers_start_fails_with_the_reason(spare: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def start() -> None:
        with socket.socket() as lowest:
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno() + 1 + spare, hard))
            await WorkerProcess.start("scripted_handler.lambda_handler", dict(os.environ))

    try:
        with pytest.raises(WorkerStartError, match=os.strerror(errno.EMFILE)):
            asyncio.run(start())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
