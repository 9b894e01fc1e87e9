"""A log line has the keys that Powertools' Logger writes, and the time to the millisecond."""

from __future__ import annotations

import datetime as dt
import json
import time

import pytest

from chatd.telemetry import log


def test_a_line_has_its_level_message_service_and_fields() -> None:
    line = json.loads(log.line("WARNING", "a sentence", {"request_id": "an-id", "n": 1}))
    del line["timestamp"]

    assert line == {
        "level": "WARNING",
        "message": "a sentence",
        "service": "chatd",
        "request_id": "an-id",
        "n": 1,
    }


@pytest.mark.parametrize("seconds", [0.0, 0.25, 1.0, 1.75])
def test_the_time_of_a_line_is_utc(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    moment = 1_800_000_000.0 + seconds
    monkeypatch.setattr(time, "time", lambda: moment)
    written = json.loads(log.line("INFO", "chat", {}))["timestamp"]

    date = dt.datetime.fromtimestamp(moment, dt.UTC)
    assert written == f"{date:%Y-%m-%d %H:%M:%S},{date.microsecond // 1000:03}+0000"
