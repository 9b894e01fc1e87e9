"""Make the shared folder of a run's processes, and remove it at the end.

A killed run leaves its folder behind, with answers in it. Each run holds a lock on a
file in its own folder, so the next start can tell the folders of ended runs and remove them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "chatd-run-"
_LOCK = "lock"


@contextmanager
def run_folder() -> Iterator[Path]:
    """Make a folder for this user alone, and remove the folders of ended runs."""
    _remove_ended_runs(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        descriptor = os.open(Path(name, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(descriptor)


def _remove_ended_runs(parent: Path) -> None:
    """Remove the folders of this user's runs that have ended."""
    for folder in parent.glob(f"{_PREFIX}*"):
        # Another start may sweep at the same time, and in /tmp a name proves nothing.
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and _ended(folder):
                shutil.rmtree(folder)  # raises OSError on a symbolic link


def _ended(folder: Path) -> bool:
    """Whether the run of a folder has ended. A folder without a lock may be about to get one."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
