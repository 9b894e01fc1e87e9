"""Write a response to the caller over ASGI: complete, or part by part."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Send

from local.http_server.proxy_integration import BODILESS, HttpResponse, to_response
from local.workers import frames


@dataclass(slots=True)
class ResponseWriter:
    """Write the response to one request.

    Attributes:
        started: Whether the head is sent, so that no other response is possible.

    """

    send: Send
    request_id: str
    started: bool = False

    async def write_response(self, response: HttpResponse) -> None:
        """Send a complete response, without its end mark."""
        headers = list(response.headers)
        if response.status not in BODILESS:
            headers.append(("Content-Length", str(len(response.body))))
        await self._write_head(response.status, headers)
        await self._write_body(response.body)

    async def write_part(self, frame: frames.Message | bytes) -> None:
        """Send a part of a streamed response: the head, or bytes of the body.

        Raises:
            MalformedResultError: If the head is not a valid HTTP head.

        """
        if isinstance(frame, bytes):
            await self._write_body(frame)
            return
        head = to_response(frame["head"])
        await self._write_head(head.status, list(head.headers))

    async def finish(self) -> None:
        """Send the end mark, without which the caller sees an incomplete response."""
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_head(self, status: int, headers: list[tuple[str, str]]) -> None:
        pairs = [*headers, ("x-amzn-RequestId", self.request_id)]
        sent = {name.lower() for name, _ in headers}
        # As in template.yaml's gateway responses.
        ids = (name for name in ("x-request-id", "request-id") if name not in sent)
        pairs += ((name, self.request_id) for name in ids)
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]
        self.started = True
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    async def _write_body(self, data: bytes) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": True})
