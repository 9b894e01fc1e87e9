"""Speak OpenAI's API of completions, on `/completions`, for a provider of the chat dialect.

https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from pydantic import SecretStr
from pydantic_core import from_json

from chatd.canonical.collecting import collected
from chatd.canonical.content import Text
from chatd.canonical.events import Frame, as_frames
from chatd.canonical.extra import Extra, Json
from chatd.canonical.request import ChatRequest, Completion
from chatd.canonical.response import Choice, Response, UpstreamJson
from chatd.config.provider import Provider
from chatd.dialects import CompletionsDialect, Example, lenient
from chatd.dialects.failures import error_field, malformed, refusal, unlike
from chatd.dialects.framing import bounded, detect_json
from chatd.dialects.headers import base_headers
from chatd.dialects.json_shapes import ShapeError, lenient_text, name_in, objects
from chatd.dialects.openai_chat import reading
from chatd.dialects.openai_chat.completion_logprobs import as_chat_logprobs
from chatd.dialects.openai_chat.completion_stream import frames
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.errors import UpstreamRefusedError
from chatd.safe_json.finite_numbers import request_body
from chatd.safe_json.item_limits import MAX_CHOICES
from chatd.upstream_http import HttpRequest, HttpResponse

DIALECT = "openai_completions"
_EXAMPLE = Example(
    whole=(
        b'{"id":"c","object":"text_completion","model":"m","choices":[{"index":0,"text":"{}",'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    ),
    stream=(
        b'data: {"id":"c","object":"text_completion","model":"m","choices":[{"index":0,'
        b'"text":"{}","finish_reason":"stop"}]}\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n'
        b"data: [DONE]\n\n"
    ),
)
_NOT_OURS = "its answer is not one of OpenAI's completions"


class OpenAICompletions(OpenAIChat):
    """OpenAI's completions, with the corrections of a provider's row."""

    example = _EXAMPLE
    echoes = True

    def continues(self, request: ChatRequest, row: Provider) -> bool:
        """Whether the row's models continue a prompt of one text without a template."""
        completion = request.completion
        if completion is None or completion.prompts > 1 or completion.tokens or completion.echo:
            return False
        return row.completions == "raw"

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields that the row drops."""
        sent = request.source.body if request.source else {}
        return tuple(name for name in row.drops if sent.get(name) is not None)

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a completion; `request.model` is the provider's name.

        Raises:
            InvalidRequestError: If the request holds a number that is not finite.

        """
        body = _body(request)
        if request.stream:
            options = body.get("stream_options") or {}
            body |= {"stream": True, "stream_options": {**options, "include_usage": True}}
        else:
            body.pop("stream_options", None)
            body.pop("stream", None)
        for name, new_name in row.renames.items():
            if name in body:
                body[new_name] = body.pop(name)
        for name in row.drops:
            body.pop(name, None)
        headers = base_headers(row, reading.DIALECT, key, request)
        return HttpRequest(row.url(reading.DIALECT, "/completions"), headers, request_body(body))

    def relaxed(
        self,
        request: ChatRequest,  # noqa: ARG002  # the protocol's
        refusal: UpstreamRefusedError,  # noqa: ARG002  # as above
    ) -> tuple[ChatRequest, str] | None:
        """Return None: a completion has no hint."""
        return None

    def parse(self, response: HttpResponse) -> Response:
        """Read a whole response.

        Raises:
            ChatdError: If it is a refusal, an error under status 200, or no response.

        """
        if response.status != HTTPStatus.OK:
            raise refusal(response)
        try:
            body = from_json(bounded(response.body))
        except ValueError:
            if response.body.lstrip().startswith((b"data:", b":")):  # it streams unasked
                return collected(frames(response, iter((response.body,))))
            body = None
        if type(body) is not dict:
            raise unlike(response, response.body, _NOT_OURS)
        if lenient.is_error(body.get("error")):
            raise error_field(response, body["error"])
        return _response(response, body)

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream of server-sent events, ended by a finish reason for every choice.

        Raises:
            ChatdError: If it is a refusal, holds an error, or breaks off before its end.

        """
        begun, whole = detect_json(chunks)
        if whole:
            return as_frames(self.parse(replace(response, body=b"".join(begun))))
        return frames(response, begun)


_: CompletionsDialect = OpenAICompletions()


def _body(request: ChatRequest) -> dict[str, Any]:
    """Return the caller's JSON with the gateway's changes."""
    source = request.source
    assert source is not None  # noqa: S101  # the surface of completions keeps it
    body = {**source.body, "model": request.model}
    completion = request.completion or Completion()
    if request.messages is not source.read["messages"]:  # with masks, or with a partial answer
        (message,) = request.messages
        texts = [block.text for block in message.blocks if isinstance(block, Text)]
        body["prompt"] = texts if completion.prompts > 1 else "".join(texts)
    if completion.suffix != body.get("suffix"):
        body["suffix"] = completion.suffix
    if request.max_tokens != source.read["max_tokens"]:
        body["max_tokens"] = request.max_tokens
    return body


def _response(response: HttpResponse, body: dict[str, Any]) -> Response:
    try:
        given = objects(body.get("choices"), MAX_CHOICES)
        choices = tuple(map(_choice, given))
    except ShapeError:
        raise unlike(response, response.body, _NOT_OURS) from None
    if not choices:
        raise unlike(response, response.body, "its answer holds no choices")
    for choice in choices:
        if choice.finish_reason == "error":
            raise malformed(response, "it broke off its answer with an error")
        if not choice.finish_reason and not choice.content:
            raise malformed(response, "its answer holds neither a text nor a finish reason")
    extra = reading.unnamed(body, reading.RESPONSE)
    return Response(
        choices,
        reading.usage(body.get("usage"), body.get("cost")),
        name_in(body, "model"),
        id=name_in(body, "id"),
        extra=Extra(DIALECT, extra) if extra else None,
        source=UpstreamJson(DIALECT, body, size=len(response.body)),
    )


def _choice(given: Json) -> Choice:
    """Read a choice of a whole response; ShapeError if it is none."""
    if "text" not in given:
        raise ShapeError
    text = lenient_text(given, "text")
    return Choice(
        (Text(text),) if text else (),
        finish_reason=name_in(given, "finish_reason"),
        logprobs=as_chat_logprobs(given.get("logprobs")),
    )
