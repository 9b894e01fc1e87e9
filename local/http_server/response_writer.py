"""The way of a response to its caller, over ASGI: whole, or part by part while it is made.

It knows neither where a response comes from nor what it says.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Send

from local.http_server import proxy_integration
from local.workers import frames


@dataclass(slots=True)
class ResponseWriter:
    """Where the response to one request goes.

    Attributes:
        started: Whether some of it is on its way: then it cannot become another.

    """

    send: Send
    request_id: str
    started: bool = False

    async def write_response(self, response: proxy_integration.HttpResponse) -> None:
        """Send all of the response, but do not yet say that this was all."""
        headers = list(response.headers)
        if response.status not in proxy_integration.BODILESS:
            headers.append(("Content-Length", str(len(response.body))))
        await self._write_head(response.status, headers)
        await self._write_body(response.body)

    async def write_part(self, frame: frames.Message | bytes) -> None:
        """Send a part of a streamed response at once: its head, or some of its body.

        Raises:
            MalformedResultError: If the head is none of HTTP.

        """
        if isinstance(frame, bytes):
            await self._write_body(frame)
            return
        head = proxy_integration.to_response(frame["head"])
        await self._write_head(head.status, list(head.headers))

    async def finish(self) -> None:
        """Say that this was all. A response without it is broken off, and seen to be."""
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_head(self, status: int, headers: list[tuple[str, str]]) -> None:
        pairs = [*headers, ("x-amzn-RequestId", self.request_id)]
        if not any(name.lower() == "x-request-id" for name, _ in headers):
            pairs.append(("x-request-id", self.request_id))  # as template.yaml's own refusals have
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
        self.started = True
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    async def _write_body(self, data: bytes) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": True})
