"""Hold rows in a SQLite file, for the worker processes of `make run`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from chatd.sqlite_file import transaction
from chatd.stored_responses import RowKey, Rows, StoreUnavailableError

# The file lies in the folder of temporary files, which may be in memory.
_MAX_BYTES = 1024 * 1024 * 1024
# Above this share of the limit a write first deletes the oldest tenth of the rows.
_FULL = 0.8
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows
    (id TEXT, part INTEGER, expires INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (id, part))
"""
_INDEX = "CREATE INDEX IF NOT EXISTS expiry ON rows (expires)"
_OLDEST = """
DELETE FROM rows WHERE expires <=
    (SELECT expires FROM rows ORDER BY expires LIMIT 1 OFFSET (SELECT count(*) / 10 FROM rows))
"""


class Sqlite:
    """Hold the rows in one file.

    Args:
        path: The file; the first call creates it, for this user alone.
        clock: Seconds since 1970.
        max_bytes: The largest size of the file.

    """

    def __init__(
        self, path: str, clock: Callable[[], float] = time.time, max_bytes: int = _MAX_BYTES
    ) -> None:
        self._path = path
        self._clock = clock
        self._max_bytes = max_bytes

    def read(self, keys: Sequence[RowKey]) -> Mapping[RowKey, bytes]:
        """Return the rows that exist and have not expired."""
        now = self._clock()
        found: dict[RowKey, bytes] = {}
        with self._transaction() as rows:
            for key in keys:
                row = rows.execute(
                    "SELECT data FROM rows WHERE id = ? AND part = ? AND expires > ?", (*key, now)
                ).fetchone()
                if row is not None:
                    found[key] = row[0]
        return found

    def write(self, rows: Mapping[RowKey, bytes], expires: int) -> None:
        """Write rows; delete expired rows, and the oldest ones of a nearly full file."""
        with self._transaction() as file:
            file.execute("DELETE FROM rows WHERE expires <= ?", (self._clock(),))
            if self._is_nearly_full(file):
                file.execute(_OLDEST)
            file.executemany(
                "INSERT OR REPLACE INTO rows (id, part, expires, data) VALUES (?, ?, ?, ?)",
                [(*key, expires, data) for key, data in rows.items()],
            )

    def delete(self, keys: Sequence[RowKey]) -> None:
        """Delete the rows that exist."""
        with self._transaction() as rows:
            rows.executemany("DELETE FROM rows WHERE id = ? AND part = ?", keys)

    def _is_nearly_full(self, file: sqlite3.Connection) -> bool:
        pages, free, size = (
            file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return bool((pages - free) * size > _FULL * self._max_bytes)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; all writes of it are kept, or none."""
        try:
            with transaction(self._path, _SCHEMA) as connection:
                connection.execute(_INDEX)
                (size,) = connection.execute("PRAGMA page_size").fetchone()
                connection.execute(f"PRAGMA max_page_count = {self._max_bytes // size}")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(
                f"the file of stored responses cannot be used ({type(error).__name__})"
            ) from None


_CONFORMS: type[Rows] = Sqlite
