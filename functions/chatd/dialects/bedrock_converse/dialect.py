"""Speak Bedrock's Converse dialect, on `/model/{id}/converse` and `/converse-stream`.

https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

from pydantic import SecretStr
from pydantic_core import from_json

from chatd.canonical.events import Frame, as_frames
from chatd.canonical.losses import refused_of_chat
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.config.provider import Provider
from chatd.dialects import Dialect, Example
from chatd.dialects.bedrock_converse import reading
from chatd.dialects.bedrock_converse import request as converse_request
from chatd.dialects.bedrock_converse import stream as converse_stream
from chatd.dialects.bedrock_converse.exceptions import refusal
from chatd.dialects.bedrock_converse.model_ids import list_urls, model_ids, next_url
from chatd.dialects.bedrock_converse.reading import DIALECT
from chatd.dialects.failures import unlike
from chatd.dialects.framing import bounded, detect_json
from chatd.dialects.headers import base_headers
from chatd.errors import ChatdError, UpstreamRefusedError
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse


class BedrockConverse:
    """Bedrock's Converse dialect, with the corrections of a provider's row."""

    tool_kinds: frozenset[str] = frozenset()
    enforces_json = False
    chooses_tools = True

    @property
    def example(self) -> Example:
        """The shortest answer."""
        # Only a warm-up needs it.
        from chatd.dialects.bedrock_converse.example import example  # noqa: PLC0415  # see above

        return example()

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:  # noqa: ARG002  # the shape of every adapter
        """Name the caller's fields without an equal in the dialect that change the answer."""
        return refused_of_chat(request)

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the hints, and the fields that the row or the model does not take."""
        return converse_request.omitted(request, row)

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a chat; `request.model` is the provider's name for the model.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite, a block that the
                dialect cannot express, or a tool call whose arguments are no JSON object.
            RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

        """
        body = converse_request.body_of(request, row)
        operation = "converse-stream" if request.stream else "converse"
        # An ARN has slashes, which are part of the name.
        path = f"/model/{quote(request.model, safe='')}/{operation}"
        headers = base_headers(row, DIALECT, key, request)
        return HttpRequest(row.url(DIALECT, path), headers, request_body(body))

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """Return the request without the hint that the model refused; None for another refusal."""
        # 0.2 ms of a first chat, as each module of this folder; few requests are refused.
        from chatd.dialects.bedrock_converse.relaxation import relaxed  # noqa: PLC0415  # see above

        return relaxed(request, refusal.message)

    def parse(self, response: HttpResponse) -> Response:
        """Read a whole response.

        Raises:
            ChatdError: If it is a refusal, or no response.

        """
        if response.status != HTTPStatus.OK:
            raise refusal(response)
        try:
            body = from_json(bounded(response.body))
            choice = reading.choice(response, body) if type(body) is dict else None
        except ValueError:  # a ShapeError is one
            choice = None
        if choice is None:
            raise _unlike(response)
        return Response((choice,), reading.usage(body.get("usage")))

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream of binary messages.

        Raises:
            ChatdError: If it holds an exception or a damaged message, or breaks off before
                `messageStop`.

        """
        begun, whole = detect_json(chunks)
        if whole:  # no message begins as JSON: it would have 2 GB
            return as_frames(self.parse(replace(response, body=b"".join(begun))))
        return converse_stream.frames(response, begun)

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for the list of the provider's models, of Bedrock's control plane."""
        return self.models_requests(row, key)[0]

    def models_requests(self, row: Provider, key: SecretStr | None) -> tuple[HttpRequest, ...]:
        """Build the requests for the foundation models and for the inference profiles."""
        headers = base_headers(row, DIALECT, key)
        return tuple(HttpRequest(url, headers) for url in list_urls(row.base_url))

    def next_models_request(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpRequest | None:
        """Build the request for the next page of a list; None after the last page."""
        url = next_url(request.url, response)
        return None if url is None else HttpRequest(url, request.headers)

    def models(self, response: HttpResponse) -> list[str]:
        """Read the ids of models or of inference profiles.

        Raises:
            ChatdError: If it is a refusal, or no list.

        """
        if response.status != HTTPStatus.OK:
            raise refusal(response)
        return model_ids(response)


_: Dialect = BedrockConverse()


def _unlike(response: HttpResponse) -> ChatdError:
    return unlike(response, response.body, "its answer is not one of Bedrock's Converse")
