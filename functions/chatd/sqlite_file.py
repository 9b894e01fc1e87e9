"""Open a SQLite file that the worker processes of `make run` share."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

# Seconds to wait for another process; each holds the file for about a millisecond.
_LOCK_SECONDS = 5.0


@contextmanager
def transaction(path: str, schema: str) -> Iterator[sqlite3.Connection]:
    """Open the file for one transaction that excludes all other processes.

    Args:
        path: The file; created if missing.
        schema: A statement that creates the table if missing.

    Raises:
        sqlite3.Error: If the file is no database, is full, or stays locked for 5 s.
        OSError: If the file cannot be created or opened.

    """
    _create(path)
    # IMMEDIATE: a transaction that only later wants to write may be refused without a wait.
    # https://www.sqlite.org/lang_transaction.html
    connection = sqlite3.connect(path, timeout=_LOCK_SECONDS, isolation_level="IMMEDIATE")
    with closing(connection), connection:
        connection.execute("PRAGMA synchronous = OFF")  # the file does not outlive the machine
        connection.execute(schema)
        yield connection


def _create(path: str) -> None:
    """Create a missing file, readable by this user alone, because of the answers in the file.

    SQLite would create it under the user's umask, and gives its journal the file's mode.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
