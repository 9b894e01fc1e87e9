"""Blobs of any size are split over rows, within limits of bytes and of memory."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.stored_responses import MAX_ROW_BYTES, NotStoredError, RowKey, Rows, TooLargeError
from chatd.stored_responses.blobs import MAX_BLOB_BYTES, Blobs
from tests.support.stored_responses import MemoryRows

LATER = 4_000_000_000
MB = 1024 * 1024


def noise(size: int) -> bytes:
    """Return bytes that no algorithm deflates."""
    return random.Random(size).randbytes(size)  # noqa: S311  # test data


@pytest.mark.parametrize(
    "size", [0, 1, MAX_ROW_BYTES - 200, MAX_ROW_BYTES, 3 * MAX_ROW_BYTES + 1, 5 * MB]
)
def test_a_blob_of_any_size_is_written_read_and_deleted(rows: Rows, size: int) -> None:
    blobs = Blobs(lambda: rows)
    blobs.write({"one": noise(size), "two": b"2"}, LATER)
    assert blobs.read(["one", "two", "three", "one"]) == {"one": noise(size), "two": b"2"}
    blobs.delete(["one", "three"])

    assert blobs.read(["one", "two"]) == {"two": b"2"}


@given(st.dictionaries(st.text("abc", max_size=2), st.binary(max_size=2_000), max_size=5))
def test_every_set_of_blobs_reads_as_written(written: dict[str, bytes]) -> None:
    rows = MemoryRows()
    blobs = Blobs(lambda: rows)
    blobs.write(written, LATER)

    assert blobs.read(sorted(written)) == written
    blobs.delete(sorted(written))
    assert rows.rows == {}


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_blob_with_a_missing_row_does_not_exist(missing: int) -> None:
    rows = MemoryRows()
    blobs = Blobs(lambda: rows)
    blobs.write({"one": noise(MB)}, LATER)
    assert len(rows.rows) == 3
    del rows.rows[RowKey("one", missing)]

    assert blobs.read(["one"]) == {}


def test_a_blob_over_the_limit_is_refused_before_any_row_is_written() -> None:
    rows = MemoryRows()
    blobs = Blobs(lambda: rows)
    blobs.write({"one": b"\0" * MAX_BLOB_BYTES}, LATER)
    with pytest.raises(NotStoredError, match="larger than 12 MB"):
        blobs.write({"two": b"2", "three": b"\0" * (MAX_BLOB_BYTES + 1)}, LATER)

    assert {key.id for key in rows.rows} == {"one"}


def test_a_read_is_limited_to_its_bytes_of_all_blobs_together() -> None:
    rows = MemoryRows()
    blobs = Blobs(lambda: rows)
    names = [f"{number}" for number in range(250)]
    blobs.write(dict.fromkeys(names, b"\0" * 1_000), LATER)

    assert len(blobs.read(names, 250_000)) == 250
    for most in (249_999, 100_000, 999, 0):
        with pytest.raises(TooLargeError):
            blobs.read(names, most)


def test_two_thousand_small_rows_that_inflate_to_gigabytes_take_little_memory() -> None:
    rows = MemoryRows()
    blobs = Blobs(lambda: rows)
    blobs.write({"0": b"\0" * MAX_BLOB_BYTES}, LATER)
    packed = rows.rows[RowKey("0", 0)]
    assert len(packed) < 20_000
    names = [str(number) for number in range(2_000)]
    rows.rows.update({RowKey(name, 0): packed for name in names})

    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            blobs.read(names, 5 * MB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 30 * MB


def test_blobs_of_many_rows_over_the_limit_are_refused_before_their_further_rows_are_read() -> None:
    rows = MemoryRows()
    blobs = Blobs(lambda: rows)
    blobs.write({"one": noise(10 * MB)}, LATER)
    rows.calls.clear()
    with pytest.raises(TooLargeError):
        blobs.read(["one"], 5 * MB)

    assert rows.calls == ["read"]
