"""Translate OpenAI's Responses API, `/v1/responses`, to and from the canonical form.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.errors import ChatdError
from chatd.surfaces import ErrorResponse, StreamWriter, Surface, openai_error
from chatd.surfaces.openai_failures import as_openai
from chatd.surfaces.openai_responses.failure import SCHEMA_FIELD
from chatd.surfaces.openai_responses.request import request_of
from chatd.surfaces.openai_responses.response import whole
from chatd.surfaces.openai_responses.schema import ResponsesRequest
from chatd.surfaces.openai_responses.stream import ResponseStream
from chatd.surfaces.validation import checked

_HELLO: Mapping[str, Any] = {"input": "Hello"}
_SCHEMA = {"type": "json_schema", "name": "any", "schema": {"type": "object"}}
_ENDS = (b"event: response.completed\n", b"event: response.incomplete\n")


class OpenAIResponses:
    """OpenAI's Responses surface, without stored responses."""

    examples = (_HELLO, {**_HELLO, "text": {"format": _SCHEMA}}, {**_HELLO, "stream": True})

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:  # noqa: ARG002  # the protocol's
        """Read a request; the headers change nothing.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        return request_of(checked(body, ResponsesRequest))

    def write(self, request: ChatRequest, response: Response, served: Served) -> Mapping[str, Any]:
        """Write the body of a whole response."""
        return whole(request, response, served.after(*response.failovers))

    def stream(self, request: ChatRequest, request_id: str) -> StreamWriter:
        """Make the writer of a stream."""
        return ResponseStream(request, request_id)

    def is_end(self, piece: bytes) -> bool:
        """Whether this is the event of a complete or incomplete response."""
        return piece.startswith(_ENDS)

    def error(self, error: ChatdError, request_id: str) -> ErrorResponse:
        """Write a failure in OpenAI's shape; an unknown model is a 404."""
        return openai_error(as_openai(error, SCHEMA_FIELD), request_id)


_: Surface = OpenAIResponses()
