"""Each store of answers claims, keeps, releases and expires keys alike."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from chatd.errors import InFlightError, KeyReusedError
from chatd.idempotency import IdempotencyKey, Records, StoredRecord
from chatd.idempotency.sqlite import Sqlite

DAY = 24 * 60 * 60
ONE = IdempotencyKey("a" * 64, "b" * 64)
OTHER_BODY = IdempotencyKey("a" * 64, "c" * 64)
ANSWER: StoredRecord = {"headers": {}, "body": "", "live": False}


def test_a_key_is_claimed_kept_and_released(records: Records) -> None:
    assert records.claim(ONE, 60_000) is None
    with pytest.raises(InFlightError):
        records.claim(ONE, 60_000)
    with pytest.raises(KeyReusedError):
        records.claim(OTHER_BODY, 60_000)
    records.keep(ONE, ANSWER)
    assert records.claim(ONE, 60_000) == ANSWER
    with pytest.raises(KeyReusedError):
        records.claim(OTHER_BODY, 60_000)
    records.release(ONE)
    assert records.claim(OTHER_BODY, 60_000) is None


def test_the_claim_of_an_unfinished_request_expires_at_its_deadline(records: Records) -> None:
    assert records.claim(ONE, 1) is None
    bound = time.monotonic() + 10
    while True:  # the claim expires after 1 ms
        try:
            found = records.claim(ONE, 60_000)
            break
        except InFlightError:
            assert time.monotonic() < bound

    assert found is None
    with pytest.raises(InFlightError):
        records.claim(ONE, 60_000)


def test_an_answer_is_kept_for_a_day(tmp_path: Path) -> None:
    now = [1_000_000.0]
    records = Sqlite(str(tmp_path / "records"), clock=lambda: now[0])
    records.claim(ONE, 60_000)
    records.keep(ONE, ANSWER)
    now[0] += DAY

    assert records.claim(ONE, 60_000) == ANSWER
    now[0] += 1
    assert records.claim(ONE, 60_000) is None
    with sqlite3.connect(tmp_path / "records") as file:
        assert file.execute("SELECT count(*) FROM records").fetchone() == (1,)
    file.close()


def test_one_of_sixteen_simultaneous_claims_of_a_key_succeeds(tmp_path: Path) -> None:
    path = str(tmp_path / "records")
    many = 16
    together = threading.Barrier(many)
    outcomes: list[str] = []

    def claim() -> None:
        together.wait()
        try:
            Sqlite(path).claim(ONE, 60_000)
            outcomes.append("it")
        except InFlightError:
            outcomes.append("in flight")

    threads = [threading.Thread(target=claim) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [*["in flight"] * (many - 1), "it"]
