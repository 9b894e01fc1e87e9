"""A worker that ends in the middle of a request releases its idempotency keys."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from chatd.errors import ChatdError, UpstreamError, UpstreamTimeoutError
from chatd.idempotency.sqlite import Sqlite
from local.routes import Function
from local.run import _release_keys
from local.workers.pool import WorkerPool
from local.workers.worker_process import worker_environment
from tests.local.conftest import SCRIPTED, environment, is_running


async def deliver(_part: object) -> None:
    """Accept a part of a streamed answer."""


def event(do: str, **more: Any) -> dict[str, Any]:
    return {"body": json.dumps({"do": do, **more})}


def released(
    do: dict[str, Any], timeout: float, failure: type[ChatdError]
) -> tuple[int, list[int]]:
    """The process id of a worker that ends during an event, and the released ids."""

    async def run() -> tuple[int, list[int]]:
        ids: list[int] = []
        env = worker_environment(Path(SCRIPTED[3]), environment())
        pool = WorkerPool(
            Function("Scripted", "scripted_handler.lambda_handler", timeout, 128),
            env,
            1,
            ids.append,
        )
        await pool.start()
        try:
            before_event = await pool.invoke(event("report"), "r", deliver)
            before = list(ids)
            with pytest.raises(failure):
                await pool.invoke(event(**do), "r", deliver)
            after_event = await pool.invoke(event("report"), "r", deliver)
        finally:
            await pool.stop()
        pid, next_pid = (
            json.loads(answer["body"])["pid"] for answer in (before_event, after_event)
        )
        assert before == []
        assert pid != next_pid
        assert not is_running(pid)
        return pid, ids

    return asyncio.run(run())


def test_the_keys_of_a_killed_worker_are_released_once() -> None:
    pid, ids = released({"do": "signal", "signal": "SIGKILL"}, 60, UpstreamError)

    assert ids == [pid]


def test_the_keys_of_a_worker_past_its_timeout_are_released_once() -> None:
    pid, ids = released({"do": "hang"}, 2, UpstreamTimeoutError)

    assert ids == [pid]


def test_a_failed_release_is_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "records"
    broken.write_bytes(b"no database" * 100)
    with caplog.at_level(logging.WARNING):
        _release_keys(Sqlite(str(broken)), 1)
    (record,) = caplog.records

    assert record.getMessage().startswith("idempotency keys of a killed worker are not released: ")
    assert record.exc_info is None
