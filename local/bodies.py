"""Request bodies: read one whole, within API Gateway's limit and this process's memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive

from chatd.errors import RequestTooLargeError, UpstreamOverloadedError

# Bytes: https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
PAYLOAD_LIMIT = 10 * 1024 * 1024
# Bytes of bodies held at once. As an event and as a frame for its worker, each takes some four
# times as much for a moment.
_TOTAL_LIMIT = 128 * 1024 * 1024
# Seconds that a refused sender may go on, so that it gets to read why it was refused.
_LINGER = 2.0


class BodyTooLargeError(RequestTooLargeError):
    """The body is larger than API Gateway takes; the rest of it is not read."""

    def headers(self) -> dict[str, str]:
        """The connection cannot be used again: what is left of the body is in its way."""
        return {**super().headers(), "Connection": "close"}


class TooManyBodiesError(UpstreamOverloadedError):
    """The requests that are being served hold as much memory as they may."""

    default_code = "overloaded"

    def headers(self) -> dict[str, str]:
        """The connection cannot be used again: what is left of the body is in its way."""
        return {**super().headers(), "Connection": "close"}


@dataclass(slots=True)
class Bodies:
    """The bodies of the requests that one front serves.

    Attributes:
        limit: Bytes that they may have together.

    """

    limit: int = _TOTAL_LIMIT
    _held: int = 0

    @asynccontextmanager
    async def whole(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request, counted for the length of the block.

        Raises:
            BodyTooLargeError: As soon as it is known to be larger than API Gateway takes.
            TooManyBodiesError: As soon as all bodies together are too large.

        """
        if int(request.headers.get("content-length", 0)) > PAYLOAD_LIMIT:
            raise _too_large()
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                self._held += len(part)
                if len(body) > PAYLOAD_LIMIT:
                    raise _too_large()
                if self._held > self.limit:
                    raise TooManyBodiesError(
                        "The requests being served hold too much memory; ask again later.",
                        retry_after=1,
                    )
            yield bytes(body)
        finally:
            self._held -= len(body)


async def linger(receive: Receive) -> None:
    """Take what a refused sender still sends: closing on it would cost it the response."""
    try:
        async with asyncio.timeout(_LINGER):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        return


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(f"The body is larger than {PAYLOAD_LIMIT} bytes.")
