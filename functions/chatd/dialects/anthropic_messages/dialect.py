"""Speak Anthropic's Messages dialect, on `/messages`.

https://platform.claude.com/docs/en/api/messages/create
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from pydantic import SecretStr
from pydantic_core import from_json

from chatd.canonical.collecting import collected
from chatd.canonical.events import Frame, as_frames
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response, UpstreamJson
from chatd.config.provider import Provider
from chatd.dialects import Dialect, Example, lenient
from chatd.dialects.anthropic_messages import reading
from chatd.dialects.anthropic_messages import request as anthropic_request
from chatd.dialects.anthropic_messages import stream as anthropic_stream
from chatd.dialects.anthropic_messages.reading import DIALECT, VERSION
from chatd.dialects.anthropic_messages.relaxation import relaxed
from chatd.dialects.failures import error_field, malformed, refusal, unlike
from chatd.dialects.framing import bounded, detect_json
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import ShapeError, name_in
from chatd.dialects.model_list import model_names
from chatd.errors import ChatdError, UpstreamRefusedError
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

_BETAS = re.compile(r"[A-Za-z0-9_., -]{1,2000}")

_EXAMPLE = Example(
    whole=(
        b'{"id":"msg_1","type":"message","role":"assistant","model":"m",'
        b'"content":[{"type":"text","text":"{}"}],"stop_reason":"end_turn","stop_sequence":null,'
        b'"usage":{"input_tokens":1,"output_tokens":1}}'
    ),
    stream=(
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1",'
        b'"type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
        b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
        b'"content_block":{"type":"text","text":""}}\n\n'
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":"{}"}}\n\n'
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        b'"stop_sequence":null},"usage":{"output_tokens":1}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    ),
)


class AnthropicMessages:
    """Anthropic's Messages dialect, with the corrections of a provider's row."""

    example = _EXAMPLE
    tool_kinds = frozenset({"any_name"})
    enforces_json = False
    chooses_tools = True

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:  # noqa: ARG002  # the shape of every adapter
        """Name the caller's fields without an equal in the dialect that change the answer."""
        return anthropic_request.refused(request)

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the hints, and the fields that the row or the model does not take."""
        return anthropic_request.omitted(request, row)

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a chat; `request.model` is the provider's name for the model.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite, a block that the
                dialect cannot express, or a tool call whose arguments are no JSON object.
            RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

        """
        body = anthropic_request.body_of(request, row)
        if request.stream:
            body["stream"] = True
        elif body.get("stream"):
            del body["stream"]
        self._correct(body, row)
        headers = {**base_headers(row, DIALECT, key, request), **self._headers(request, row)}
        return HttpRequest(row.url(DIALECT, "/messages"), headers, request_body(body))

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """Return the request without the hint that the model refused; None for another refusal."""
        return relaxed(request, refusal.message)

    def parse(self, response: HttpResponse) -> Response:
        """Read a whole response.

        Raises:
            ChatdError: If it is a refusal, an error under status 200, or no response.

        """
        if response.status != HTTPStatus.OK:
            raise self._refusal(response)
        try:
            body = from_json(bounded(response.body))
        except ValueError:
            if response.body.lstrip().startswith((b"event:", b"data:", b":")):  # it streams unasked
                return collected(anthropic_stream.frames(response, iter((response.body,))))
            body = None
        if type(body) is not dict:
            raise _unlike(response)
        if body.get("type") == "error" or lenient.is_error(body.get("error")):
            raise error_field(response, body.get("error"))
        return _response(response, body)

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream of server-sent events.

        Raises:
            ChatdError: If it is a refusal, holds an error, or breaks off before its stop reason.

        """
        begun, whole = detect_json(chunks)
        if whole:
            # It was asked to stream and did not: an error under status 200, or a whole response.
            return as_frames(self.parse(replace(response, body=b"".join(begun))))
        return anthropic_stream.frames(response, begun)

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for the list of the provider's models, in one page."""
        headers = {**base_headers(row, DIALECT, key), "anthropic-version": VERSION}
        return HttpRequest(row.url(DIALECT, "/models?limit=1000"), headers)

    def models(self, response: HttpResponse) -> list[str]:
        """Read the names of the provider's models.

        Raises:
            ChatdError: If it is a refusal, or no list.

        """
        if response.status != HTTPStatus.OK:
            raise self._refusal(response)
        return model_names(response, "data", "id", "name")

    def count_request(
        self, request: ChatRequest, row: Provider, key: SecretStr | None
    ) -> HttpRequest:
        """Build the request for the number of a request's input tokens.

        Raises:
            ChatdError: If the dialect cannot express the request.

        """
        from chatd.dialects.anthropic_messages import token_count  # noqa: PLC0415  # few calls

        return token_count.count_request(request, row, key)

    def count_of(self, response: HttpResponse) -> int | None:
        """Read the number of tokens; None if the provider refused, or sent no number."""
        from chatd.dialects.anthropic_messages import token_count  # noqa: PLC0415  # few calls

        return token_count.count_of(response)

    def _correct(self, body: dict[str, Any], row: Provider) -> None:
        """Correct the body for a vendor; its lists and objects may be the caller's own JSON."""

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:  # noqa: ARG002  # a subclass's place
        """Write the version, and the betas of a caller of this dialect."""
        headers = {"anthropic-version": VERSION}
        if betas := betas_of(request):
            headers["anthropic-beta"] = betas
        return headers

    def _refusal(self, response: HttpResponse) -> ChatdError:
        """Make the error for a response with another status than 200."""
        return refusal(response)


_: Dialect = AnthropicMessages()


def betas_of(request: ChatRequest) -> str:
    """Return the betas that a caller of this dialect names; an empty text for none."""
    source = request.source
    if source is None or source.dialect != DIALECT:
        return ""
    betas = source.headers.get("anthropic-beta", "")
    return betas if _BETAS.fullmatch(betas) else ""


def _response(response: HttpResponse, body: dict[str, Any]) -> Response:
    """Read the JSON of a whole response.

    Raises:
        ChatdError: If it is none.

    """
    _complete_content(body)
    try:
        choice = reading.choice(body)
    except (KeyError, ShapeError):
        raise _unlike(response) from None
    if not choice.finish_reason and not choice.blocks:
        raise malformed(response, "its answer holds neither content nor a stop reason")
    return Response(
        (choice,),
        reading.usage(body.get("usage"), body.get("cost")),
        name_in(body, "model"),
        id=name_in(body, "id"),
        extra=reading.further_of(body, reading.MESSAGE),
        source=UpstreamJson(DIALECT, body, size=len(response.body)),
    )


def _complete_content(body: dict[str, Any]) -> None:
    """Write the content as a list of blocks where a server gives null or a text."""
    content = body.get("content")
    if isinstance(content, str):
        body["content"] = [{"type": "text", "text": content}]
    elif content is None and body.get("stop_reason"):
        body["content"] = []


def _unlike(response: HttpResponse) -> ChatdError:
    return unlike(response, response.body, "its answer is not one of Anthropic's dialect")
