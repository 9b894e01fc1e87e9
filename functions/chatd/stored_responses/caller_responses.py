"""Read, save and delete the stored responses of one caller.

A response is two blobs: `response` has the response object without its output, and the ids of the
conversation's earlier responses; `turn` has the items of this turn alone. So a conversation is
read in two steps, whatever its length. Each output item is a blob too, for `item_reference`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticSerializationError, from_json, to_json

from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.safe_json.finite_numbers import finite
from chatd.safe_json.request_size import MAX_REQUEST_BYTES
from chatd.stored_responses import NotStoredError, TooLargeError
from chatd.stored_responses.blobs import Blobs

Json = Mapping[str, Any]

# An agent's run with a tool call per response has some hundred.
MAX_RESPONSES = 1_000
# An output of more items can be continued and returned; its further items cannot be referenced.
MAX_REFERENCED_ITEMS = 256
_RESPONSE, _TURN, _ITEM = "response", "turn", "item"


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns up to a stored response.

    Attributes:
        responses: The id of each response and the bytes of its turn, the oldest first.
        items: The items of all turns as JSON, without the brackets of a list.

    """

    responses: Sequence[tuple[str, int]] = ()
    items: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A stored response: the response object, and the items that the caller sent."""

    body: Json = field(repr=False)
    input_items: Sequence[Any] = field(repr=False)


class CallerResponses:
    """The stored responses of one caller.

    Args:
        blobs: The blobs of all callers.
        caller: The caller; part of the hash that is a blob's id.
        days: Days until a response expires.
        clock: Seconds since 1970.

    """

    def __init__(
        self, blobs: Blobs, caller: str, days: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._blobs = blobs
        self._caller = caller
        self._days = days
        self._clock = clock

    def conversation(self, response_id: str) -> Conversation | None:
        """Return the turns up to a response; None if it or an earlier one is not stored.

        Raises:
            InvalidRequestError: If the conversation has more than 1,000 responses.
            RequestTooLargeError: If its items take more than 5 MB; then no item is read.
            StoreUnavailableError: If the store cannot be read.

        """
        key = self._key(_RESPONSE, response_id)
        blob = self._blobs.read([key]).get(key)
        if blob is None:
            return None
        responses = [(str(name), int(size)) for name, size in json.loads(blob)["responses"]]
        if len(responses) > MAX_RESPONSES:
            raise InvalidRequestError(
                f"the conversation has more than {MAX_RESPONSES:,} responses; send its items in"
                " `input` instead",
                param="previous_response_id",
            )
        if sum(size for _, size in responses) > MAX_REQUEST_BYTES:
            raise too_large()
        keys = [self._key(_TURN, name) for name, _ in responses]
        turns = self._read(keys)
        if any(name not in turns for name in keys):
            return None
        items = b",".join(turn for name in keys if (turn := turns[name][1:-1]))
        return Conversation(responses, items)

    def items(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """Return the stored output items with these ids, as JSON.

        Raises:
            RequestTooLargeError: If they take more than 5 MB.
            StoreUnavailableError: If the store cannot be read.

        """
        keys = {self._key(_ITEM, name): name for name in ids}
        return {keys[key]: item for key, item in self._read(list(keys)).items()}

    def get(self, response_id: str) -> StoredResponse | None:
        """Return a stored response, or None.

        Raises:
            StoreUnavailableError: If the store cannot be read.

        """
        keys = self._key(_RESPONSE, response_id), self._key(_TURN, response_id)
        found = self._blobs.read(keys)
        if len(found) < len(keys):
            return None
        # The object is one level deeper than in its request, which pydantic's parser limits to 200.
        stored, items = json.loads(found[keys[0]]), from_json(found[keys[1]])
        sent, output = items[: stored["sent"]], items[stored["sent"] :]
        return StoredResponse({**stored["body"], "output": output}, sent)

    def save(self, body: Json, sent: Sequence[Any], earlier: Conversation) -> None:
        """Store a response, which is readable from the return on.

        Args:
            body: The response object.
            sent: The items of this turn that the caller sent.
            earlier: The conversation that this turn continues.

        Raises:
            NotStoredError: If the response is too large or nested too deeply, or the store cannot
                be written.

        """
        output = body["output"]
        turn = _json([*sent, *output])
        response = {
            "body": {**body, "output": []},
            "sent": len(sent),
            "responses": [*earlier.responses, (body["id"], len(turn))],
        }
        blobs = {self._key(_ITEM, name): _json(item) for name, item in _by_id(output).items()}
        blobs[self._key(_TURN, body["id"])] = turn
        blobs[self._key(_RESPONSE, body["id"])] = _json(response)
        self._blobs.write(blobs, int(self._clock()) + self._days * 24 * 60 * 60)

    def delete(self, response_id: str) -> bool:
        """Delete a response and its items; return False if there is none.

        Raises:
            StoreUnavailableError: If the store cannot be read or written.

        """
        stored = self.get(response_id)
        if stored is None:
            return False
        keys = [self._key(_ITEM, name) for name in _by_id(stored.body["output"])]
        keys += [self._key(kind, response_id) for kind in (_TURN, _RESPONSE)]
        self._blobs.delete(keys)
        return True

    def _read(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        try:
            return self._blobs.read(keys, MAX_REQUEST_BYTES)
        except TooLargeError:
            raise too_large() from None

    def _key(self, kind: str, name: str) -> str:
        """Hash the caller and an id, so that another caller's request reads another blob."""
        return hashlib.sha256(json.dumps([self._caller, kind, name]).encode()).hexdigest()


def too_large() -> RequestTooLargeError:
    """Make the error for a request that exceeds the limit together with its stored items."""
    return RequestTooLargeError(
        f"the request and its stored items are larger than {MAX_REQUEST_BYTES // 1024 // 1024} MB",
        param="input",
    )


def _by_id(output: Sequence[Json]) -> dict[str, Json]:
    """Return the items that `item_reference` finds."""
    return {
        item["id"]: item
        for item in output[:MAX_REFERENCED_ITEMS]
        if isinstance(item, dict) and item.get("id") and isinstance(item["id"], str)
    }


def _json(value: Any) -> bytes:
    """Write JSON that can be parsed again: null for a number that is not finite.

    Half of a surrogate pair, which only an escape can express, becomes a question mark.

    Raises:
        NotStoredError: If the value is nested too deeply.

    """
    try:
        return to_json(value, inf_nan_mode="null")
    except PydanticSerializationError:
        try:
            written = json.dumps(finite(value), ensure_ascii=False, separators=(",", ":"))
            encoded = written.encode("utf-8", "replace")
            from_json(encoded)
        except (RecursionError, ValueError):
            raise NotStoredError("its JSON is nested too deeply") from None
        return encoded
