"""Each store of responses writes, reads, expires and deletes rows alike."""

from __future__ import annotations

from chatd.stored_responses import MAX_ROW_BYTES, RowKey, Rows
from tests.support.stored_responses import ManualClock

ONE, TWO = RowKey("a" * 64, 0), RowKey("a" * 64, 1)
LATER = 1_800_000_060


def test_rows_are_written_read_and_deleted(rows: Rows) -> None:
    assert rows.read([ONE, TWO]) == {}
    rows.write({ONE: b"one", TWO: bytes(range(256))}, LATER)
    assert rows.read([TWO, ONE, ONE, RowKey("b" * 64, 0)]) == {ONE: b"one", TWO: bytes(range(256))}
    rows.delete([ONE, RowKey("b" * 64, 0)])
    assert rows.read([ONE, TWO]) == {TWO: bytes(range(256))}


def test_a_row_is_replaced(rows: Rows) -> None:
    rows.write({ONE: b"one"}, LATER)
    rows.write({ONE: b"two"}, LATER)

    assert rows.read([ONE]) == {ONE: b"two"}


def test_a_row_expires_at_its_second(rows: Rows, clock: ManualClock) -> None:
    rows.write({ONE: b"one"}, LATER)
    clock.now = LATER - 1
    assert rows.read([ONE]) == {ONE: b"one"}
    clock.now = LATER
    assert rows.read([ONE]) == {}


def test_a_row_may_have_the_largest_size(rows: Rows) -> None:
    largest = b"\xff" * MAX_ROW_BYTES
    rows.write({RowKey("f" * 64, 65_535): largest}, LATER)

    assert rows.read([RowKey("f" * 64, 65_535)]) == {RowKey("f" * 64, 65_535): largest}


def test_more_rows_than_one_batch_are_written_read_and_deleted(rows: Rows) -> None:
    many = {RowKey(f"{number:064}", 0): b"%d" % number for number in range(250)}
    rows.write(many, LATER)
    assert rows.read(list(many)) == many
    rows.delete(list(many))
    assert rows.read(list(many)) == {}


def test_no_row_is_no_call(rows: Rows) -> None:
    rows.write({}, LATER)
    rows.delete([])

    assert rows.read([]) == {}
