"""Rows in a SQLite file: its mode, its limit of size, a damaged file, several processes."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from chatd.stored_responses import RowKey, StoreUnavailableError
from chatd.stored_responses.sqlite import Sqlite
from tests.support.stored_responses import ManualClock

ONE = RowKey("a" * 64, 0)
LATER = 4_000_000_000
MB = 1024 * 1024


def test_the_file_is_for_this_user_alone(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        Sqlite(str(tmp_path / "file")).write({ONE: b"one"}, LATER)
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_expired_rows_are_deleted_by_the_next_write(tmp_path: Path, clock: ManualClock) -> None:
    rows = Sqlite(str(tmp_path / "file"), clock=clock)
    rows.write({ONE: b"one"}, int(clock.now))
    rows.write({RowKey("b" * 64, 0): b"two"}, LATER)

    with sqlite3.connect(tmp_path / "file") as file:
        assert file.execute("SELECT data FROM rows").fetchall() == [(b"two",)]
    file.close()


def test_a_nearly_full_file_loses_its_oldest_rows_and_stays_below_its_limit(tmp_path: Path) -> None:
    rows = Sqlite(str(tmp_path / "file"), max_bytes=2 * MB)
    keys = [RowKey(f"{number:064}", 0) for number in range(100)]
    for number, key in enumerate(keys):
        rows.write({key: b"\0" * 100_000}, LATER + number)

    found = [key in rows.read([key]) for key in keys]
    assert found == sorted(found)  # the missing ones are the oldest
    assert 10 < sum(found) < 30
    assert (tmp_path / "file").stat().st_size <= 2 * MB


def test_a_full_file_is_unavailable_and_keeps_its_rows(tmp_path: Path) -> None:
    rows = Sqlite(str(tmp_path / "file"), max_bytes=MB)
    rows.write({ONE: b"one"}, LATER)
    with pytest.raises(StoreUnavailableError, match="OperationalError"):
        rows.write({RowKey("b" * 64, 0): b"\0" * 2 * MB}, LATER)

    assert rows.read([ONE]) == {ONE: b"one"}


def test_a_damaged_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no database" * 100)
    rows = Sqlite(str(tmp_path / "file"))

    for call in (lambda: rows.read([ONE]), lambda: rows.delete([ONE])):
        with pytest.raises(StoreUnavailableError, match="DatabaseError"):
            call()


def test_a_file_that_cannot_be_created_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="FileNotFoundError"):
        Sqlite(str(tmp_path / "none" / "file")).write({ONE: b"one"}, LATER)


def test_simultaneous_writers_lose_no_row(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def write(number: int) -> None:
        rows = Sqlite(str(tmp_path / "file"))
        together.wait()
        rows.write({RowKey(f"{number:064}", 0): b"%d" % number}, LATER)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    keys = [RowKey(f"{number:064}", 0) for number in range(8)]
    assert len(Sqlite(str(tmp_path / "file")).read(keys)) == 8
