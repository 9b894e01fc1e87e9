from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.adapters.failures import retry_after

NOW = dt.datetime(2026, 11, 1, 12, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("Sun, 01 Nov 2026 12:00:10 GMT", 10.0),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Nov 2026 12:00:10 -0000", 10.0),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("soon", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert seconds == retry_after(value, lambda: NOW)


@given(st.text())
def test_no_retry_after_whatever_is_a_fault(value: str) -> None:
    seconds = retry_after(value)

    assert seconds is None or seconds >= 0
