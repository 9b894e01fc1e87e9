"""The log of the front: alike lines are counted, and a lack of descriptors is one line."""

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
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(text: str, name: str = "uvicorn.error", *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "", 0, text, arguments, None)


def test_of_lines_alike_five_pass_in_ten_seconds() -> None:
    throttle = LogThrottle(Clock())

    assert [throttle.filter(line("Invalid")) for _ in range(1000)] == [True] * 5 + [False] * 995


def test_lines_are_alike_whatever_their_arguments() -> None:
    throttle = LogThrottle(Clock())

    assert sum(throttle.filter(line("request %s", "a", n)) for n in range(100)) == 5


def test_asyncios_lines_are_alike_though_they_hold_addresses() -> None:
    throttle = LogThrottle(Clock())

    assert sum(throttle.filter(line(f"socket at {n:x}", "asyncio")) for n in range(100)) == 5


def test_lines_of_other_kinds_pass() -> None:
    throttle = LogThrottle(Clock())
    for _ in range(10):
        throttle.filter(line("Invalid"))

    assert throttle.filter(line("Other"))
    assert throttle.filter(line("Invalid", "chatd.local"))


def test_after_ten_seconds_the_next_line_says_how_many_were_held_back() -> None:
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


def test_where_no_line_was_held_back_none_is_counted() -> None:
    clock = Clock()
    throttle = LogThrottle(clock)
    for _ in range(5):
        throttle.filter(line("Invalid"))
    clock.now = 10.0
    record = line("Invalid")
    throttle.filter(record)

    assert record.getMessage() == "Invalid"


def test_kinds_without_end_do_not_fill_the_memory() -> None:
    throttle = LogThrottle(Clock())
    for number in range(10_000):
        throttle.filter(line(f"kind {number}"))

    assert len(throttle._counts) <= 200


def test_a_lack_of_descriptors_is_one_line_without_a_traceback(
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


def test_other_exceptions_are_asyncios_affair(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    handle_exception(loop, {"message": "something else", "exception": OSError(errno.EIO, "x")})
    loop.close()
    (record,) = caplog.records

    assert (record.name, record.exc_info is None) == ("asyncio", False)


@pytest.mark.parametrize("spare", [0, 3])
def test_a_worker_that_cannot_be_begun_for_want_of_descriptors_says_so(spare: int) -> None:
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
