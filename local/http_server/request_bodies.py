"""Read request bodies within the gateway's limit, and within a limit of total memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive

from chatd.errors import RequestTooLargeError, UpstreamOverloadedError
from chatd.safe_json.request_size import MAX_REQUEST_BYTES, too_many_bytes

# Bytes of all bodies in memory. A body takes about four times its size while it is copied into an
# event and into a frame for its worker.
_TOTAL_LIMIT = 128 * 1024 * 1024
# Seconds for which a refused sender may continue, so that it reads the refusal.
_DRAIN_SECONDS = 2.0


class BodyTooLargeError(RequestTooLargeError):
    """The body is larger than the gateway takes; the rest is not read."""

    def __init__(self, size: int) -> None:
        super().__init__(too_many_bytes(size))

    def headers(self) -> dict[str, str]:
        """Close the connection: the rest of the body is unread."""
        return {**super().headers(), "Connection": "close"}


class TooManyBodiesError(UpstreamOverloadedError):
    """The bodies of the current requests reach the memory limit."""

    default_code = "overloaded"

    def headers(self) -> dict[str, str]:
        """Close the connection: the rest of the body is unread."""
        return {**super().headers(), "Connection": "close"}


@dataclass(slots=True)
class RequestBodies:
    """The bodies of the current requests.

    Attributes:
        limit: The maximum of bytes of all bodies together.

    """

    limit: int = _TOTAL_LIMIT
    _held: int = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """Read a body, and count its bytes until the end of the block.

        Raises:
            BodyTooLargeError: As soon as the body exceeds 5 MB; a longer Content-Length is refused
                before the body is read.
            TooManyBodiesError: As soon as all bodies together exceed the limit.

        """
        announced = int(request.headers.get("content-length", 0))
        if announced > MAX_REQUEST_BYTES:
            raise BodyTooLargeError(announced)
        body = bytearray()
        try:
            async for part in request.stream():
                body += part
                self._held += len(part)
                if len(body) > MAX_REQUEST_BYTES:
                    raise BodyTooLargeError(len(body))
                if self._held > self.limit:
                    raise TooManyBodiesError(
                        "The current requests take too much memory; retry later.",
                        retry_after=1,
                    )
            yield bytes(body)
        finally:
            self._held -= len(body)


async def drain(receive: Receive) -> None:
    """Read the rest of a refused body for up to 2 s: closing earlier would lose the response."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        return
