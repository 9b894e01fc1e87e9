"""Translate OpenAI's chat API, `/v1/chat/completions`, to and from the canonical form.

https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.surfaces import Surface
from chatd.surfaces.chunked_surface import ChunkedSurface
from chatd.surfaces.openai_chat.chunks import Chunks
from chatd.surfaces.openai_chat.completion import completion
from chatd.surfaces.openai_chat.request import request_of
from chatd.surfaces.openai_chat.schema import OpenAIRequest
from chatd.surfaces.validation import checked

_HELLO: Mapping[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}
_SCHEMA = {"name": "any", "schema": {"type": "object"}}


class OpenAI(ChunkedSurface):
    """OpenAI's surface."""

    chunks = Chunks
    schema_field = "response_format.json_schema.schema"
    examples = (
        _HELLO,
        {**_HELLO, "response_format": {"type": "json_schema", "json_schema": _SCHEMA}},
        {**_HELLO, "stream": True},
    )

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:  # noqa: ARG002  # the protocol's
        """Read a request; the headers change nothing.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        return request_of(checked(body, OpenAIRequest))

    def write(
        self,
        request: ChatRequest,  # noqa: ARG002  # the protocol's
        response: Response,
        served: Served,
    ) -> Mapping[str, Any]:
        """Write the body of a whole response: a `chat.completion`."""
        return completion(response, served.after(*response.failovers))


_: Surface = OpenAI()
