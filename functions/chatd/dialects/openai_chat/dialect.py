"""Speak OpenAI's chat dialect, on `/chat/completions`.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. A vendor's own differences are a
subclass in dialects/vendors.
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
from chatd.canonical.content import Image, ToolCall, ToolResult
from chatd.canonical.events import Frame, as_frames
from chatd.canonical.extra import Extra
from chatd.canonical.request import ChatRequest, Think
from chatd.canonical.response import Response, UpstreamJson
from chatd.config.provider import Provider
from chatd.dialects import Dialect, Example, lenient, thinking_hints
from chatd.dialects.failures import error_field, malformed, refusal, unlike
from chatd.dialects.framing import bounded, detect_json
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import ShapeError, name_in, objects
from chatd.dialects.model_list import model_names
from chatd.dialects.openai_chat import reading
from chatd.dialects.openai_chat import request as openai_request
from chatd.dialects.openai_chat import stream as openai_stream
from chatd.dialects.openai_chat.reading import DIALECT, AnswerCorrection
from chatd.dialects.openai_chat.row_corrections import (
    correct_fields,
    corrects_turns,
    dropped,
)
from chatd.errors import ChatdError, UpstreamRefusedError
from chatd.safe_json.finite_numbers import request_body
from chatd.safe_json.item_limits import MAX_CHOICES
from chatd.upstream_http import HttpRequest, HttpResponse

# Such as "Unsupported parameter: 'reasoning_effort'" and "model does not support reasoning".
_NO_THINKING = re.compile(r"reasoning|thinking", re.IGNORECASE)
_EXAMPLE = Example(
    whole=(
        b'{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":"{}"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    ),
    stream=(
        b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"{}"},'
        b'"finish_reason":"stop"}]}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
        b"data: [DONE]\n\n"
    ),
)


class OpenAIChat:
    """OpenAI's chat dialect, with the corrections of a provider's row."""

    example = _EXAMPLE
    # Providers other than OpenAI take functions alone; a forwarded request keeps its custom tools.
    tool_kinds = frozenset({"any_name"})
    enforces_json = True
    chooses_tools = True

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name tools and images for a provider without; the dialect has every other field."""
        if "tools" not in row.refuses and "images" not in row.refuses:
            return ()
        kinds = {type(block) for message in request.messages for block in message.blocks}
        found = []
        if "tools" in row.refuses:
            found += ["tools"] if request.tools and request.tool_choice != "none" else []
            found += [] if kinds.isdisjoint((ToolCall, ToolResult)) else ["messages.tool_calls"]
        if "images" in row.refuses and Image in kinds:
            found.append("messages.content.image_url")
        return tuple(found)

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields dropped by the row or lacking in the dialect."""
        hints = () if openai_request.is_own(request) else thinking_hints.lost(request, row)
        return (*dropped(request, row), *hints, *openai_request.foreign(request, row))

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a chat; `request.model` is the provider's name for the model.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite, or a block that
                the dialect cannot express.

        """
        own = openai_request.is_own(request)
        body = openai_request.body_of(request, row)
        think = request.think if own else thinking_hints.wanted(request, row)
        if think is not None:
            self._write_thinking(body, think, request)
        if request.stream:
            options = body.get("stream_options") or {}
            body |= {"stream": True, "stream_options": {**options, "include_usage": True}}
        else:
            body.pop("stream_options", None)
            if body.get("stream"):
                del body["stream"]
        correct_fields(body, row)
        if corrects_turns(row):
            # For single rows: 1 ms of a first chat.
            from chatd.dialects.openai_chat.turn_corrections import corrected  # noqa: PLC0415  # see above

            body["messages"] = corrected(body, row)
        self._correct(body, row)
        headers = {**base_headers(row, DIALECT, key, request), **self._headers(request, row)}
        return HttpRequest(row.url(DIALECT, "/chat/completions"), headers, request_body(body))

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """Return a translated request without its hint to think, if the refusal names thinking."""
        if openai_request.is_own(request) or not _NO_THINKING.search(refusal.message):
            return None
        return thinking_hints.without(request)

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
            if response.body.lstrip().startswith((b"data:", b":")):  # it streams unasked
                return collected(self._frames(response, iter((response.body,))))
            body = None
        if type(body) is not dict:
            raise unlike(response, response.body, "its answer is not one of OpenAI's dialect")
        if lenient.is_error(body.get("error")):
            raise error_field(response, body["error"])
        if (correct := self._answer_correction()) is not None:
            correct(body)
        return _response(response, body)

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream of server-sent events, ended by a finish reason for every choice.

        `[DONE]` is optional, and a frame with the cost may follow it.

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
        return model_names(response, "data", "id", "name")  # Together sends the list alone

    def _correct(self, body: dict[str, Any], row: Provider) -> None:
        """Correct the body for a vendor; its lists and objects may be the caller's own JSON."""

    def _headers(self, request: ChatRequest, row: Provider) -> Mapping[str, str]:  # noqa: ARG002  # a subclass's place
        """Return the headers that only the vendor takes."""
        return {}

    def _refusal(self, response: HttpResponse) -> ChatdError:
        """Make the error for a response with another status than 200."""
        return refusal(response)

    def _answer_correction(self) -> AnswerCorrection | None:
        """Return what corrects each JSON object of one answer before it is read; None: nothing."""
        return None

    def _frames(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        return openai_stream.frames(response, chunks, correct=self._answer_correction())

    def _write_thinking(self, body: dict[str, Any], think: Think, request: ChatRequest) -> None:
        """Write the fields for thinking; other fields of the same object stay."""
        body.pop("reasoning_effort", None)
        for name, value in self._thinking(think, request).items():
            given = body.get(name)
            if isinstance(given, dict) and isinstance(value, Mapping):
                body[name] = {**given, **value}
            else:
                body[name] = value

    def _thinking(self, think: Think, request: ChatRequest) -> Mapping[str, Any]:  # noqa: ARG002  # a subclass's place
        """Write the fields that switch thinking on or off."""
        if isinstance(think, bool):
            return {"reasoning_effort": "medium" if think else "none"}
        return {"reasoning_effort": think}


def _response(response: HttpResponse, body: dict[str, Any]) -> Response:
    """Read the JSON of a whole response.

    Raises:
        ChatdError: If it is none, or if a choice was broken off.

    """
    try:
        choices = tuple(map(reading.choice, objects(body.get("choices"), MAX_CHOICES)))
    except ShapeError:
        raise unlike(response, response.body, "its answer is not one of OpenAI's dialect") from None
    if not choices:
        raise unlike(response, response.body, "its answer holds no choices")
    for choice in choices:
        if choice.finish_reason == "error":
            raise malformed(response, "it broke off its answer with an error")
        # An ended choice may have no text, or thinking alone.
        if not choice.finish_reason and not reading.has_content(choice):
            raise malformed(response, "its answer holds neither content nor a finish reason")
    extra = reading.unnamed(body, reading.RESPONSE)
    return Response(
        choices,
        reading.usage(body.get("usage"), body.get("cost")),
        name_in(body, "model"),
        id=name_in(body, "id"),
        extra=Extra(reading.DIALECT, extra) if extra else None,
        source=UpstreamJson(reading.DIALECT, body, size=len(response.body)),
    )


_: Dialect = OpenAIChat()
