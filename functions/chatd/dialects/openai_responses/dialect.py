"""Speak OpenAI's Responses dialect, on `/responses`.

https://developers.openai.com/api/reference/resources/responses. The gateway never relies on a
provider's storage: every request says `store: false` and holds the whole conversation.
"""

from __future__ import annotations

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
from chatd.dialects.failures import malformed
from chatd.dialects.framing import bounded, detect_json
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import ShapeError, name_in
from chatd.dialects.model_list import model_names
from chatd.dialects.openai_responses import failed, losses, reading, relaxation
from chatd.dialects.openai_responses import request as responses_request
from chatd.dialects.openai_responses import stream as responses_stream
from chatd.dialects.openai_responses.reading import DIALECT, AnswerCorrection
from chatd.errors import ChatdError, UpstreamRefusedError
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

_WHOLE = (
    b'{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"message",'
    b'"role":"assistant","content":[{"type":"output_text","text":"{}"}]}],'
    b'"usage":{"input_tokens":1,"output_tokens":1}}'
)
_EXAMPLE = Example(
    whole=_WHOLE,
    stream=(
        b'data: {"type":"response.created","response":{"id":"r","model":"m"}}\n\n'
        b'data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message"}}'
        b'\n\ndata: {"type":"response.output_text.delta","output_index":0,"delta":"{}"}\n\n'
        b'data: {"type":"response.completed","response":' + _WHOLE + b"}\n\n"
    ),
)


class OpenAIResponses:
    """OpenAI's Responses dialect, with the corrections of a provider's row."""

    example = _EXAMPLE
    tool_kinds = frozenset({"any_name", "custom", "namespace"})
    enforces_json = True
    chooses_tools = True

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:  # noqa: ARG002  # the protocol's
        """Name the caller's fields without an equal in the dialect that change the answer."""
        return losses.refused(request)

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the hints that the dialect lacks, or that the row or the model refuses."""
        return losses.omitted(request, row)

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a chat; `request.model` is the provider's name for the model.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite, or a block that
                the dialect cannot express.

        """
        body = responses_request.body_of(request, row)
        self._correct(body, row)
        headers = {**base_headers(row, DIALECT, key, request), **self._headers(request, row)}
        return HttpRequest(row.url(DIALECT, "/responses"), headers, request_body(body))

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """Return the request without the refused hint, and the hint's name; None without one."""
        return relaxation.without_refused_hint(request, refusal)

    def parse(self, response: HttpResponse) -> Response:
        """Read a whole response.

        Raises:
            ChatdError: If it is a refusal, an error under status 200, or no ended response.

        """
        if response.status != HTTPStatus.OK:
            raise self._refusal(response)
        try:
            body = from_json(bounded(response.body))
        except ValueError:
            if response.body.lstrip().startswith((b"data:", b"event:", b":")):
                # It streams unasked.
                return collected(self._frames(response, iter((response.body,))))
            body = None
        if type(body) is not dict:
            raise _unlike(response, "its answer is not one of OpenAI's Responses dialect")
        if (correct := self._answer_correction()) is not None:
            correct(body)
        return _response(response, body)

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream of server-sent events, ended by `response.completed` or `.incomplete`.

        Raises:
            ChatdError: If it is a refusal, holds an error, or breaks off before its end.

        """
        begun, whole = detect_json(chunks)
        if whole:
            # It was asked to stream and did not: an error under status 200, or a whole response.
            return as_frames(self.parse(replace(response, body=b"".join(begun))))
        return self._frames(response, begun)

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for the list of the provider's models."""
        return HttpRequest(row.url(DIALECT, "/models"), base_headers(row, DIALECT, key))

    def models(self, response: HttpResponse) -> list[str]:
        """Read the names of the provider's models.

        Raises:
            ChatdError: If it is a refusal, or no list.

        """
        if response.status != HTTPStatus.OK:
            raise self._refusal(response)
        return model_names(response, "data", "id", "name")

    def _correct(self, body: dict[str, Any], row: Provider) -> None:
        """Correct the body for a vendor; its lists and objects may be the caller's own JSON."""

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:  # noqa: ARG002  # a subclass's place
        """Return the headers that only the vendor takes."""
        return {}

    def _answer_correction(self) -> AnswerCorrection | None:
        """Return what corrects each JSON object of one answer before it is read; None: nothing."""
        return None

    def _frames(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        return responses_stream.frames(response, chunks, self._answer_correction())

    def _refusal(self, response: HttpResponse) -> ChatdError:
        """Make the error for a response with another status than 200."""
        return failed.failure_of(response, lenient.refusal(response.body) or lenient.Refusal(""))


def _response(response: HttpResponse, body: dict[str, Any]) -> Response:
    """Read the JSON of a whole response.

    Raises:
        ChatdError: If it is none, or if the response failed or has not ended.

    """
    if failed.has_failed(body):
        raise failed.failure_in(response, body)
    if body.get("status") in ("queued", "in_progress"):
        raise malformed(response, "its answer has not ended")
    if type(body.get("output")) is not list and type(body.get("output_text")) is not str:
        raise _unlike(response, "its answer holds no output")
    try:
        choice = reading.choice(body)
    except ShapeError:
        raise _unlike(response, "its answer is not one of OpenAI's Responses dialect") from None
    return Response(
        (choice,),
        reading.usage(body.get("usage"), body.get("cost")),
        name_in(body, "model"),
        id=name_in(body, "id"),
        extra=reading.response_extra(body),
        source=UpstreamJson(DIALECT, body, size=len(response.body)),
    )


_: Dialect = OpenAIResponses()


def _unlike(response: HttpResponse, what: str) -> ChatdError:
    """Make the error for a malformed body, from its own reason if there is one."""
    found = lenient.refusal(response.body)
    return failed.failure_of(response, found) if found else malformed(response, what)
