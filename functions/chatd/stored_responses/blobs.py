"""Store blobs of any size: deflated, and split over rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence

from chatd.stored_responses import MAX_ROW_BYTES, NotStoredError, RowKey, Rows, TooLargeError

# The number of a blob's rows, in big-endian order, at the start of its first row.
_COUNT_BYTES = 2
MAX_BLOB_BYTES = 12 * 1024 * 1024
# DynamoDB reads as many items in one call.
_BATCH = 100


class Blobs:
    """Read, write and delete blobs by their ids.

    Args:
        open_rows: Returns the rows; called on the first use.

    """

    def __init__(self, open_rows: Callable[[], Rows]) -> None:
        self._rows = open_rows

    def read(self, ids: Sequence[str], most: int = 2 * MAX_BLOB_BYTES) -> dict[str, bytes]:
        """Return the blobs that exist completely.

        Each hundred blobs take one batch for their first rows, and one for any further rows.

        Args:
            ids: The ids.
            most: The most bytes of all blobs together; memory stays within a few times as many.

        Raises:
            StoreUnavailableError: If the rows cannot be read.
            TooLargeError: If the blobs have more bytes.

        """
        found: dict[str, bytes] = {}
        names = list(dict.fromkeys(ids))
        for start in range(0, len(names), _BATCH):
            batch = self._read(names[start : start + _BATCH], most)
            found |= batch
            most -= sum(map(len, batch.values()))
        return found

    def _read(self, names: Sequence[str], most: int) -> dict[str, bytes]:
        rows = dict(self._rows().read([RowKey(name, 0) for name in names]))
        further = [key for first, data in rows.items() for key in _keys(first.id, data)[1:]]
        # Text deflates to fewer bytes, and random bytes to hardly more.
        if (len(further) - len(rows)) * MAX_ROW_BYTES > most:
            raise TooLargeError
        if further:
            rows |= self._rows().read(further)
        found = {}
        for name in names:
            packed = _joined(name, rows)
            if packed is not None:
                found[name] = _inflated(packed, most)
                most -= len(found[name])
        return found

    def write(self, blobs: Mapping[str, bytes], expires: int) -> None:
        """Write blobs, which are readable from the return on.

        Args:
            blobs: The blobs by their ids.
            expires: Seconds since 1970.

        Raises:
            NotStoredError: If a blob is over 12 MB, or the rows cannot be written.

        """
        rows: dict[RowKey, bytes] = {}
        for name, blob in blobs.items():
            if len(blob) > MAX_BLOB_BYTES:
                raise NotStoredError(f"it is larger than {MAX_BLOB_BYTES // 1024 // 1024} MB")
            rows.update(_split(name, blob))
        self._rows().write(rows, expires)

    def delete(self, ids: Sequence[str]) -> None:
        """Delete the blobs that exist.

        Raises:
            StoreUnavailableError: If the rows cannot be read or deleted.

        """
        rows = self._rows()
        first = rows.read([RowKey(name, 0) for name in ids])
        rows.delete([key for found, data in first.items() for key in _keys(found.id, data)])


def _split(name: str, blob: bytes) -> dict[RowKey, bytes]:
    packed = zlib.compress(blob)
    count = -(-(_COUNT_BYTES + len(packed)) // MAX_ROW_BYTES)
    data = count.to_bytes(_COUNT_BYTES) + packed
    return {
        RowKey(name, part): data[part * MAX_ROW_BYTES : (part + 1) * MAX_ROW_BYTES]
        for part in range(count)
    }


def _keys(name: str, first: bytes) -> list[RowKey]:
    return [RowKey(name, part) for part in range(int.from_bytes(first[:_COUNT_BYTES]))]


def _joined(name: str, rows: Mapping[RowKey, bytes]) -> bytes | None:
    """Join the deflated rows of a blob; None if one is missing: unwritten, expired or deleted."""
    first = rows.get(RowKey(name, 0))
    if first is None:
        return None
    parts = [rows.get(key) for key in _keys(name, first)]
    present = [part for part in parts if part is not None]
    if len(present) != len(parts):
        return None
    return b"".join(present)[_COUNT_BYTES:]


def _inflated(packed: bytes, most: int) -> bytes:
    """Inflate a blob; a deflated blob of some KB may hold many MB."""
    inflate = zlib.decompressobj()
    blob = inflate.decompress(packed, most + 1)
    if len(blob) > most:
        raise TooLargeError
    return blob
