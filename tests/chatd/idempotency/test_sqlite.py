"""The file of answers under `make run` is private, and releases keys of ended processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatd.errors import InFlightError
from chatd.idempotency import IdempotencyKey, RecordsUnavailableError, StoredRecord
from chatd.idempotency.sqlite import Sqlite

ROOT = Path(__file__).parents[3]
ONE, TWO = (IdempotencyKey(name * 64, "b" * 64) for name in "ac")
ANSWER: StoredRecord = {"headers": {}, "body": "", "live": False}


def claim_elsewhere(path: Path, key: IdempotencyKey) -> int:
    """Claim a key in another process, which then ends; return its process id."""
    script = (
        "import os, sys\nfrom chatd.idempotency import IdempotencyKey\n"
        "from chatd.idempotency.sqlite import Sqlite\n"
        "Sqlite(sys.argv[1]).claim(IdempotencyKey(*sys.argv[2:4]), 60_000)\nprint(os.getpid())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(path), key.scope, key.body],
        env={**os.environ, "PYTHONPATH": str(ROOT / "functions")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(ended.stdout)


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_the_file_is_readable_by_its_user_alone_under_any_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "records"
    before = os.umask(umask)
    try:
        Sqlite(str(path)).claim(ONE, 60_000)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600


def test_only_the_keys_of_the_ended_process_are_released(tmp_path: Path) -> None:
    path = tmp_path / "records"
    records = Sqlite(str(path))
    ended = claim_elsewhere(path, ONE)
    assert records.claim(TWO, 60_000) is None
    with pytest.raises(InFlightError):
        records.claim(ONE, 60_000)
    records.release_of(ended)

    assert records.claim(ONE, 60_000) is None
    with pytest.raises(InFlightError):
        records.claim(TWO, 60_000)


def test_the_answers_of_an_ended_process_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "records"
    records = Sqlite(str(path))
    ended = claim_elsewhere(path, ONE)
    records.keep(ONE, ANSWER)
    records.release_of(ended)

    assert records.claim(ONE, 60_000) == ANSWER


def test_releasing_without_a_file_creates_no_file(tmp_path: Path) -> None:
    Sqlite(str(tmp_path / "records")).release_of(1)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_created_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(RecordsUnavailableError):
        Sqlite(str(tmp_path / "nowhere" / "records")).claim(ONE, 60_000)
