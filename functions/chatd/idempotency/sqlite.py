"""Store answers by idempotency key in a SQLite file, for the worker processes of `make run`.

SQLite is atomic between processes and part of Python; Powertools' package would need boto3.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chatd.idempotency import (
    KEPT_SECONDS,
    IdempotencyKey,
    Records,
    RecordsUnavailableError,
    StoredRecord,
    in_flight,
    reused,
)
from chatd.sqlite_file import transaction

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records
    (scope TEXT PRIMARY KEY, body TEXT NOT NULL, expires REAL NOT NULL, answer TEXT,
     process INTEGER NOT NULL)
"""


class Sqlite:
    """Hold the records in one file.

    Args:
        path: The file; the first claim creates it.
        clock: Seconds since 1970.

    """

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock

    def claim(self, key: IdempotencyKey, left_ms: int) -> StoredRecord | None:
        """Claim a key, or return its stored answer."""
        now = self._clock()
        with self._transaction() as records:
            records.execute("DELETE FROM records WHERE expires < ?", (now,))
            inserted = records.execute(
                "INSERT INTO records (scope, body, expires, process) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (key.scope, key.body, now + left_ms / 1000, os.getpid()),
            )
            if inserted.rowcount:
                return None
            body, answer = records.execute(
                "SELECT body, answer FROM records WHERE scope = ?", (key.scope,)
            ).fetchone()
        if body != key.body:
            raise reused()
        if answer is None:
            raise in_flight()
        record: StoredRecord = json.loads(answer)
        return record

    def keep(self, key: IdempotencyKey, record: StoredRecord) -> None:
        """Store the answer under a claimed key."""
        with self._transaction() as records:
            records.execute(
                "UPDATE records SET answer = ?, expires = ? WHERE scope = ?",
                (json.dumps(record), self._clock() + KEPT_SECONDS, key.scope),
            )

    def release(self, key: IdempotencyKey) -> None:
        """Release a claimed key."""
        with self._transaction() as records:
            records.execute("DELETE FROM records WHERE scope = ?", (key.scope,))

    def release_of(self, process: int) -> None:
        """Release the keys of a process that ended with requests unanswered.

        Args:
            process: The id of the process; no other process may have this id yet.

        Raises:
            RecordsUnavailableError: If the file cannot be used; the keys then expire in time.

        """
        if not os.path.exists(self._path):  # noqa: PTH110  # pathlib would be imported for this alone
            return  # no request had a key
        with self._transaction() as records:
            records.execute("DELETE FROM records WHERE process = ? AND answer IS NULL", (process,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction that excludes all other processes."""
        try:
            with transaction(self._path, _SCHEMA) as connection:
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise RecordsUnavailableError(
                f"the file of records cannot be used ({type(error).__name__})"
            ) from None


_CONFORMS: type[Records] = Sqlite
