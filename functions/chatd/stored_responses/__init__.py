"""Store the responses of `/v1/responses`: continue, return and delete a stored response.

`surface.py` wraps the pure surface; `expansion.py` replaces references by the stored items;
`caller_responses.py` has the responses of one caller; `blobs.py` splits a blob over rows;
`dynamodb.py` and `sqlite.py` hold the rows; `routes.py` answers GET and DELETE. A request with
`store: false` and without a reference touches no store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

# The template's parameter that makes the table; messages to callers name it.
PARAMETER = "StoredResponses"
# A DynamoDB item may take 400 KB, its attributes' names included.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
MAX_ROW_BYTES = 380 * 1024


class NotStoredError(Exception):
    """The response is not stored; the message gives the reason and no content."""


class StoreUnavailableError(NotStoredError):
    """The store cannot be reached or refuses a call; the message gives the reason."""


class TooLargeError(Exception):
    """The blobs to read exceed the limit of bytes."""


class RowKey(NamedTuple):
    """The key of a row: the hash of a caller and an id, and the number of a part."""

    id: str
    part: int


class Rows(Protocol):
    """Hold rows of at most 380 KB until they expire; all serving processes share the rows."""

    def read(self, keys: Sequence[RowKey]) -> Mapping[RowKey, bytes]:
        """Return the rows that exist and have not expired.

        Raises:
            StoreUnavailableError: If the rows cannot be read.

        """

    def write(self, rows: Mapping[RowKey, bytes], expires: int) -> None:
        """Write rows, which are readable from the return on.

        Args:
            rows: The rows by their keys; an existing row is replaced.
            expires: Seconds since 1970.

        Raises:
            StoreUnavailableError: If a write is not confirmed; some rows may be written.

        """

    def delete(self, keys: Sequence[RowKey]) -> None:
        """Delete the rows that exist.

        Raises:
            StoreUnavailableError: If a delete is not confirmed.

        """
