from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.dialects.failures import LONGEST_RETRY_AFTER, failure, retry_after
from chatd.errors import ContextTooLongError, RateLimitedError
from chatd.upstream_http import HttpResponse

NOW = dt.datetime(2026, 11, 1, 12, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("7.25", 7.25),
        (" 30 ", 30.0),
        ("-5", None),
        ("Sun, 01 Nov 2026 12:00:10 GMT", 10.0),
        ("Sun, 01 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 01 Nov 2026 12:00:10 -0000", 10.0),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("soon", None),
        ("1e400", None),
        ("1_0", None),
        ("\u0663", None),  # an Arabic digit, which float() reads as 3
        ("9" * 400, LONGEST_RETRY_AFTER),
        ("Sun, 01 Nov 9999 12:00:00 GMT", LONGEST_RETRY_AFTER),
        ("Sun, 01 Nov 99999 12:00:00 GMT", None),
        ("Sun, 01 Nov 9999999999999999999999 12:00:00 GMT", None),
        ("Sun, 01 Nov 2026 12:00:10 +999999999", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert seconds == retry_after(value, lambda: NOW)


NUMBERS = st.from_regex(r"[-+]?[0-9]{0,400}(\.[0-9]{0,5})?(e[0-9]{1,4})?", fullmatch=True)
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Sun", "So", ""]),
    st.integers(),
    st.sampled_from(["Nov", "Nov-", "13"]),
    *[st.integers()] * 4,
    st.one_of(st.sampled_from(["GMT", "", "-0000"]), st.integers().map("{:+}".format)),
)
VALUES = st.one_of(st.text(), NUMBERS, DATES, st.sampled_from(["inf", "nan", "-inf", "Infinity"]))


@given(VALUES, VALUES)
def test_no_retry_after_value_changes_the_error_class(seconds: str, milliseconds: str) -> None:
    headers = {"retry-after": seconds, "retry-after-ms": milliseconds}
    error = failure(HttpResponse(429, headers, b""))

    assert isinstance(error, RateLimitedError)
    assert error.retry_after is None or 0 <= error.retry_after <= LONGEST_RETRY_AFTER
    assert 0 <= int(error.headers().get("Retry-After", 0)) <= LONGEST_RETRY_AFTER


@given(st.floats(0, 1e9, allow_nan=False))
def test_milliseconds_take_precedence_over_seconds(milliseconds: float) -> None:
    value = f"{milliseconds:.3f}"
    error = failure(HttpResponse(429, {"retry-after": "1", "retry-after-ms": value}, b""))

    assert error.retry_after == min(float(value) / 1000, LONGEST_RETRY_AFTER)


def test_a_long_reason_is_read_in_bounded_time() -> None:
    def seconds(size: int) -> float:
        start = time.process_time()
        failure(HttpResponse(400, {}, b""), "exceed" * size)
        return time.process_time() - start

    # Quadratic work would take minutes.
    assert seconds(100_000) < 2


def test_the_start_of_a_long_reason_decides_the_error_class() -> None:
    found = failure(HttpResponse(400, {}, b""), "prompt is too long: " + "x" * 100_000)

    assert isinstance(found, ContextTooLongError)
