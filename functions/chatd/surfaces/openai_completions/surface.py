"""Translate OpenAI's API of completions, `/v1/completions`, to and from the canonical form.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.canonical.served import Served
from chatd.surfaces import Surface
from chatd.surfaces.chunked_surface import ChunkedSurface
from chatd.surfaces.openai_completions.chunks import Chunks
from chatd.surfaces.openai_completions.completion import completion
from chatd.surfaces.openai_completions.request import request_of
from chatd.surfaces.openai_completions.schema import OpenAICompletionRequest
from chatd.surfaces.validation import checked

_HELLO: Mapping[str, Any] = {"prompt": "Hello"}


class OpenAICompletionsSurface(ChunkedSurface):
    """OpenAI's surface of completions."""

    chunks = Chunks
    schema_field = "response_format"  # a completion has no format: no failure names the field
    examples = (_HELLO, {**_HELLO, "suffix": "!"}, {**_HELLO, "stream": True})

    def read(self, headers: Mapping[str, str], body: bytes) -> ChatRequest:  # noqa: ARG002  # the protocol's
        """Read a request; the headers change nothing.

        Raises:
            InvalidRequestError: With the field that is wrong as its `param`.

        """
        return request_of(checked(body, OpenAICompletionRequest))

    def write(
        self,
        request: ChatRequest,  # noqa: ARG002  # the protocol's
        response: Response,
        served: Served,
    ) -> Mapping[str, Any]:
        """Write the body of a whole response: a `text_completion`."""
        return completion(response, served.after(*response.failovers))


_: Surface = OpenAICompletionsSurface()
