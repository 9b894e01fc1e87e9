"""Save the response of one request, with unique ids of its items."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_core import from_json

from chatd.stored_responses import NotStoredError
from chatd.stored_responses.caller_responses import CallerResponses
from chatd.stored_responses.expansion import Expansion, items_of

NOT_STORED = "the response is not stored: continue with its items in `input`"
_RANDOM_BYTES = 12
# Ollama's ids have a random number below 999,999; an id of this length has at least 64 random bits.
# https://github.com/ollama/ollama/blob/main/middleware/openai.go
_UNIQUE_LENGTH = 20


class ResponseSaver:
    """The response to one request.

    The pure surface makes the response's id from the request's. An item may have an upstream's id,
    which need not be unique, and a stored item is found by its id alone: a short one is replaced.

    Args:
        responses: The caller's stored responses.
        expansion: The request.
        stores: Whether the caller wants the response stored.
        warn: Gets a sentence about a response that is not stored.

    Attributes:
        failed: Whether the response could not be stored.
        item_ids: The upstream's short ids of items, and the ids that replace them.

    """

    def __init__(
        self,
        responses: CallerResponses,
        expansion: Expansion,
        *,
        stores: bool,
        warn: Callable[[str], None],
    ) -> None:
        self._responses = responses
        self._expansion = expansion
        self._stores = stores
        self._warn = warn
        self.failed = False
        self.item_ids: dict[str, str] = {}

    @property
    def changes(self) -> bool:
        """Whether the response differs from the one without a store."""
        return self._stores or self._expansion.previous_response_id is not None

    def begun(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a response that is not complete, with unique ids and `store`."""
        return self._marked(body, stored=self._stores)

    def item(self, item: Any) -> Any:
        """Return an item of the output with a unique id; another value as it is."""
        name = item.get("id") if isinstance(item, dict) else None
        if not self._stores or not isinstance(name, str) or not 0 < len(name) < _UNIQUE_LENGTH:
            return item
        unique = self.item_ids.setdefault(name, f"{name}_{secrets.token_hex(_RANDOM_BYTES)}")
        return {**item, "id": unique}

    def saved(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Save a complete response if the caller wants that.

        Returns:
            The response with unique ids, and with `store: false` if it is not stored.

        """
        marked = self._marked(body, stored=self._stores)
        if not self._stores:
            return marked
        sent = self._expansion.sent
        if sent is None:
            sent = items_of(from_json(self._expansion.body))
        try:
            self._responses.save(marked, sent, self._expansion.earlier)
        except NotStoredError as error:
            self._warn(f"a response is not stored: {error}")
            self.failed = True
            marked["store"] = False
        return marked

    def not_stored(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a response that failed, with `store: false`."""
        return self._marked(body, stored=False)

    def _marked(self, body: Mapping[str, Any], *, stored: bool) -> dict[str, Any]:
        previous = self._expansion.previous_response_id
        marked = {**body, "store": stored, "previous_response_id": previous}
        if self._stores:
            marked["output"] = [self.item(item) for item in body["output"]]
        return marked
