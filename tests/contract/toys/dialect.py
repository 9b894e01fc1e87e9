"""A small dialect for the tests: a text in, a text out, and a word a line as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.events import Counted, Delta, End, Finish, Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Choice, Response, Usage
from chatd.config.provider import Provider
from chatd.dialects import Dialect, Example
from chatd.dialects.failures import failure
from chatd.errors import UpstreamRefusedError
from chatd.upstream_http import HttpRequest, HttpResponse


class Toy:
    """The toy dialect."""

    tool_kinds: frozenset[str] = frozenset()
    enforces_json = True
    chooses_tools = True
    example = Example(b"{}", b"{}\n", "text/plain")

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        return ()

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        return ()

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        body = {"to": request.model, "text": request.messages[-1].text, "lines": request.stream}
        return HttpRequest(f"{row.base_url}/talk", {}, json.dumps(body).encode())

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        return None

    def parse(self, response: HttpResponse) -> Response:
        if response.status != 200:
            raise failure(response)
        text = Text(response.body.decode().strip())
        return Response((Choice((text,), finish_reason="stop"),), Usage())

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        for line in b"".join(chunks).decode().splitlines():
            yield Frame((Delta(content=line),))
        yield Frame((Finish(0, "stop"), Counted(Usage()), End()))

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        return HttpRequest(f"{row.base_url}/names", {})

    def models(self, response: HttpResponse) -> list[str]:
        return response.body.decode().split()


_: Dialect = Toy()
