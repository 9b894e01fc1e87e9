"""Make the folder that a run's processes share, and remove the folder at the end.

A killed run leaves its folder behind, with answers in it. Each run holds a lock on a file in its
folder, so that the next start can find the folders of ended runs and remove them.
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
    """Make a folder that only this user can read, and remove the folders of ended runs."""
    _remove_ended_runs(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        descriptor = os.open(Path(name, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield Path(name)
        finally:
            os.close(descriptor)


def _remove_ended_runs(parent: Path) -> None:
    """Remove the folders of this user's ended runs."""
    for folder in parent.glob(f"{_PREFIX}*"):
        # Another start may remove the same folder, and any user can make a folder of this name.
        with contextlib.suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and _ended(folder):
                shutil.rmtree(folder)  # raises OSError on a symbolic link


def _ended(folder: Path) -> bool:
    """Whether the run of a folder has ended.

    Raises:
        OSError: If the folder has no lock file: its run may have just started.

    """
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
