"""The store of a deployment's responses: wrap the surface, and answer GET and DELETE."""

from __future__ import annotations

from collections.abc import Callable

from chatd.aws_lambda.events import LambdaEvent
from chatd.aws_lambda.http import Response
from chatd.idempotency.scope import caller_of
from chatd.stored_responses import Rows, StoreUnavailableError, routes
from chatd.stored_responses.blobs import Blobs
from chatd.stored_responses.caller_responses import CallerResponses
from chatd.stored_responses.surface import StoredResponses, unavailable
from chatd.surfaces import Surface

ROUTES = {
    "GET /v1/responses/{id}": routes.retrieve,
    "DELETE /v1/responses/{id}": routes.delete,
    "GET /v1/responses/{id}/input_items": routes.input_items,
}


class ResponseStore:
    """The store of all callers' responses.

    Args:
        open_rows: Returns the rows; called on the first use.
        days: Days until a response expires.
        warn: Gets a sentence about a store that fails.

    """

    def __init__(
        self, open_rows: Callable[[], Rows], days: int, warn: Callable[[str], None]
    ) -> None:
        self._blobs = Blobs(open_rows)
        self._days = days
        self._warn = warn

    def surface(self, pure: Surface, event: LambdaEvent) -> StoredResponses:
        """Make the surface of one request, with its caller's responses."""
        return StoredResponses(pure, self._of_caller(event), self._warn)

    def answer(self, route: str, event: LambdaEvent) -> Response:
        """Answer a request for a stored response.

        Args:
            route: The method and the path, as in template.yaml.
            event: API Gateway's.

        Raises:
            InvalidRequestError: If a parameter of the query is wrong.
            ResponseNotFoundError: If the caller has no such response.
            StoredResponsesUnavailableError: If the store cannot be reached.

        """
        try:
            return ROUTES[route](self._of_caller(event), event)
        except StoreUnavailableError as error:
            raise unavailable(error, self._warn) from None

    def _of_caller(self, event: LambdaEvent) -> CallerResponses:
        return CallerResponses(self._blobs, caller_of(event), self._days)
