"""Speak Ollama's dialect, on `/api/chat`.

https://github.com/ollama/ollama/blob/main/docs/api.md
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from pydantic import SecretStr, ValidationError

from chatd.canonical.collecting import collected
from chatd.canonical.content import Block, Text, Thinking
from chatd.canonical.events import Counted, Delta, End, Event, Finish, Frame, ToolCallDelta
from chatd.canonical.losses import foreign_fields
from chatd.canonical.request import ChatRequest, Tool
from chatd.canonical.response import Choice, Response, Usage
from chatd.config.provider import Provider
from chatd.dialects import Dialect, Example, lenient, thinking_hints
from chatd.dialects.failures import error_field, malformed, refusal, unlike
from chatd.dialects.framing import bounded, lines
from chatd.dialects.headers import base_headers
from chatd.dialects.model_list import model_names
from chatd.dialects.ollama import foreign_fields as ollama_hints
from chatd.dialects.ollama import messages as ollama_messages
from chatd.dialects.ollama import options as ollama_options
from chatd.dialects.ollama.schema import OllamaChat, OllamaLine, OllamaMessage
from chatd.dialects.ollama.tool_schemas import ToolSchemas
from chatd.errors import UpstreamRefusedError
from chatd.safe_json.finite_numbers import request_body
from chatd.upstream_http import HttpRequest, HttpResponse

DIALECT = "ollama"
# https://github.com/ollama/ollama/blob/main/server/routes.go
_CANNOT_THINK = "does not support thinking"
# A line of a stream has one of them, and so has a whole answer.
_PIECES = frozenset({"message", "response"})
# A line that is an answer of /api/chat and of /api/generate, whole and streamed.
_LINE = (
    b'{"model":"m","message":{"role":"assistant","content":"{}"},"response":"{}","done":true,'
    b'"done_reason":"stop","prompt_eval_count":1,"eval_count":1}\n'
)
_EXAMPLE = Example(_LINE, _LINE, "application/x-ndjson")


class Ollama:
    """Ollama's dialect on `/api/chat`, which carries every chat."""

    path = "/api/chat"
    example = _EXAMPLE
    tool_kinds = frozenset({"any_name"})
    enforces_json = True
    chooses_tools = False

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:  # noqa: ARG002  # the shape of every adapter
        """Name the caller's fields without an equal in the dialect that change the answer."""
        found = []
        if (request.n or 1) > 1:
            found.append("n")
        if request.tools and request.tool_choice not in (None, "auto", "none"):
            found.append("tool_choice")
        if request.tools and request.parallel_tool_calls is False:
            found.append("parallel_tool_calls")
        return (*found, *ollama_hints.refused(request))

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the hints and the keywords of tools' schemas that have no effect."""
        lost = (
            *thinking_hints.lost(request, row, switches_off=True),
            *ollama_hints.dropped(request),
            *ollama_messages.unwritten(request),
            *foreign_fields(request, DIALECT),
        )
        if not request.tools or request.tool_choice == "none":
            return lost
        schemas = ToolSchemas()
        for tool in request.tools:
            if isinstance(tool, Tool):
                schemas.parameters(tool)
        return (*lost, *schemas.lost)

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for a chat; `request.model` is the provider's name for the model.

        Raises:
            InvalidRequestError: If the dialect lacks what a turn holds.

        """
        body: dict[str, Any] = {
            "model": request.model,
            **self._conversation(request),
            "stream": request.stream,
            "think": ollama_hints.think(request, row),
            **ollama_options.joined(request, row),
        }
        if request.format is not None:
            body["format"] = request.format
        if request.logprobs:
            body |= {"logprobs": True, "top_logprobs": request.top_logprobs or 0}
        headers = base_headers(row, DIALECT, key, request)
        return HttpRequest(row.url(DIALECT, self.path), headers, request_body(body))

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """Return the request without its hint to think, if the model cannot think."""
        if _CANNOT_THINK not in refusal.message:
            return None
        return ollama_hints.without_thinking(request)

    def parse(self, response: HttpResponse) -> Response:
        """Read a whole response.

        Raises:
            ChatdError: If it is a refusal, or no response.

        """
        if response.status != HTTPStatus.OK:
            raise refusal(response)
        if b"\n{" in response.body.rstrip():  # it streams unasked
            return collected(self.events(response, iter((response.body,))))
        line = self._line(bounded(response.body), response)
        if not line.done:
            raise malformed(response, "its answer ended before it was done")
        message = self._message(line)
        calls = ollama_messages.calls(message)
        blocks: list[Block] = [Thinking(message.thinking)] if message.thinking else []
        if text := lenient.text(message.content):
            blocks.append(Text(text))
        choice = Choice(
            (*blocks, *calls),
            finish_reason=_reason(line, called=bool(calls)),
            logprobs=ollama_messages.logprobs(line.logprobs),
        )
        return Response((choice,), _usage(line), line.model)

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream of JSON lines, of which the last is `done`.

        Raises:
            ChatdError: If it is a refusal, or breaks off before its last line.

        """
        called = 0
        for text in lines(chunks):
            line = self._line(text, response)
            delta = self._delta(line, called)
            events: list[Event] = [] if delta is None else [delta]
            called += len(delta.tool_calls) if delta else 0
            if line.done:
                events.append(Finish(0, _reason(line, called=called > 0) or "stop"))
                yield Frame((*events, Counted(_usage(line), line.model), End()))
                return
            if events:
                yield Frame(tuple(events))
        raise malformed(response, "its stream ended before it was done")

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the request for the list of the provider's models."""
        return HttpRequest(row.url(DIALECT, "/api/tags"), base_headers(row, DIALECT, key))

    def models(self, response: HttpResponse) -> list[str]:
        """Read the names of the provider's models.

        Raises:
            ChatdError: If it is a refusal, or no list.

        """
        if response.status != HTTPStatus.OK:
            raise refusal(response)
        return model_names(response, "models", "name", "model")

    def _conversation(self, request: ChatRequest) -> dict[str, Any]:
        conversation: dict[str, Any] = {"messages": ollama_messages.written(request.messages)}
        if request.tools and request.tool_choice != "none":
            schemas = ToolSchemas()
            conversation["tools"] = [
                ollama_messages.tool(tool, schemas)
                for tool in request.tools
                if isinstance(tool, Tool)
            ]
        return conversation

    def _read(self, text: bytes) -> OllamaLine:
        return OllamaChat.model_validate_json(text)

    def _message(self, line: OllamaLine) -> OllamaMessage:
        assert isinstance(line, OllamaChat)  # noqa: S101  # what _read made
        return line.message or OllamaMessage()

    def _delta(self, line: OllamaLine, called: int) -> Delta | None:
        """Read the addition of a line; None without one.

        Args:
            line: The line.
            called: The number of tool calls before it.

        """
        message = self._message(line)
        content, calls = lenient.text(message.content), ollama_messages.calls(message)
        if not (content or message.thinking or calls or line.logprobs):
            return None
        return Delta(
            content=content or None,
            thinking=message.thinking or None,
            tool_calls=tuple(
                ToolCallDelta(number, call.id, call.name, call.arguments)
                for number, call in enumerate(calls, called)
            ),
            logprobs=ollama_messages.logprobs(line.logprobs),
        )

    def _line(self, text: bytes, response: HttpResponse) -> OllamaLine:
        """Read an answer, or a line of a stream.

        Raises:
            ChatdError: If it is an error, or not of this dialect: neither an end nor a piece.

        """
        line: OllamaLine | None
        try:
            line = self._read(text)
        except ValidationError:
            line = None
        if line is not None and line.error:
            raise error_field(response, line.error)
        if line is None or (line.done is None and not line.model_fields_set & _PIECES):
            raise unlike(response, text, "its answer is not one of Ollama's dialect")
        return line


_: Dialect = Ollama()


def _reason(line: OllamaLine, *, called: bool) -> str | None:
    """Read the finish reason: `tool_calls` replaces `stop`, and `length` replaces both."""
    reason = line.done_reason or None
    return "tool_calls" if called and reason != "length" else reason


def _usage(line: OllamaLine) -> Usage:
    return Usage(lenient.count(line.prompt_eval_count), lenient.count(line.eval_count))
