"""Add a store to the pure surface of `/v1/responses`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import ChatdError, StoredResponsesUnavailableError
from chatd.stored_responses import StoreUnavailableError
from chatd.stored_responses.caller_responses import CallerResponses
from chatd.stored_responses.expansion import Expansion, expand
from chatd.stored_responses.saving import NOT_STORED, ResponseSaver
from chatd.stored_responses.stream import StoredStream
from chatd.surfaces import ErrorResponse, StreamWriter, Surface

_RETRY_SECONDS = 1
_WARNING = "x-chatd-warning"


class StoredResponses:
    """The surface of one request, with the caller's stored responses.

    Args:
        pure: The surface without a store.
        responses: The caller's stored responses; a request with `store: false` and without a
            reference does not use them.
        warn: Gets a sentence about a store that fails.

    """

    def __init__(
        self, pure: Surface, responses: CallerResponses, warn: Callable[[str], None]
    ) -> None:
        self._pure = pure
        self._responses = responses
        self._warn = warn
        self._saver = self._saver_of(Expansion(b""), stores=False)

    @property
    def examples(self) -> Sequence[Mapping[str, Any]]:
        """The pure surface's."""
        return self._pure.examples

    def headers(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of a whole answer, with a warning if the response is not stored."""
        if not self._saver.failed:
            return given
        warnings = [text for text in (given.get(_WARNING), NOT_STORED) if text]
        return {**given, _WARNING: "; ".join(warnings)}

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:
        """Read a request, with stored items in the place of its references.

        Raises:
            InvalidRequestError: As the pure surface, and if a response or an item is not stored.
            StoredResponsesUnavailableError: If the store cannot be read; no provider was called.

        """
        try:
            expansion = expand(body, self._responses)
        except StoreUnavailableError as error:
            raise unavailable(error, self._warn) from None
        request = self._pure.read(headers, expansion.body)
        source = request.source
        stores = source is not None and source.body.get("store") is not False
        self._saver = self._saver_of(expansion, stores=stores)
        return request

    def write(self, request: ChatRequest, response: Response, served: Served) -> Mapping[str, Any]:
        """Write the body of a whole response, and save the response."""
        body = self._pure.write(request, response, served)
        return self._saver.saved(body) if self._saver.changes else body

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        """Make the writer of a streamed response, which saves the response."""
        writer = self._pure.stream(request, request_id)
        return StoredStream(writer, self._saver) if self._saver.changes else writer

    def is_end(self, piece: bytes) -> bool:
        """Whether this piece is the pure surface's end mark."""
        return self._pure.is_end(piece)

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure as the pure surface does."""
        return self._pure.error(error, request_id)

    def _saver_of(self, expansion: Expansion, *, stores: bool) -> ResponseSaver:
        return ResponseSaver(self._responses, expansion, stores=stores, warn=self._warn)


_CONFORMS: type[Surface] = StoredResponses


def unavailable(
    error: StoreUnavailableError, warn: Callable[[str], None]
) -> StoredResponsesUnavailableError:
    """Log that the store cannot be reached; make the caller's error."""
    warn(f"stored responses: {error}")
    return StoredResponsesUnavailableError(
        "the stored responses cannot be reached now; no provider was called",
        retry_after=_RETRY_SECONDS,
    )
