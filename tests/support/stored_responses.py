"""Stores of responses for the tests: rows in memory that count their calls, and a manual clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chatd.stored_responses import RowKey, Rows, StoreUnavailableError

TABLE = "responses"


class ManualClock:
    """Seconds since 1970, as the test sets them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class MemoryRows:
    """Hold rows in memory; count the calls, and fail on demand."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, bytes] = {}
        self.expires: dict[RowKey, int] = {}
        self.calls: list[str] = []
        self.fail = False

    def read(self, keys: Sequence[RowKey]) -> Mapping[RowKey, bytes]:
        self._called("read")
        return {key: self.rows[key] for key in keys if key in self.rows}

    def write(self, rows: Mapping[RowKey, bytes], expires: int) -> None:
        self._called("write")
        self.rows.update(rows)
        self.expires.update(dict.fromkeys(rows, expires))

    def delete(self, keys: Sequence[RowKey]) -> None:
        self._called("delete")
        for key in keys:
            self.rows.pop(key, None)

    def _called(self, call: str) -> None:
        self.calls.append(call)
        if self.fail:
            raise StoreUnavailableError("the table is away")


_: Rows = MemoryRows()
