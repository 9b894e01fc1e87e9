"""Write an upstream's response in each dialect, in pieces for a fault to interrupt."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.support import answers
from tests.support.bedrock import event_stream

# The prompt of the table's completions; the text after the prompt is a partial answer to continue.
_PROMPT = "Why?"


@dataclass(frozen=True, slots=True)
class ResponsePieces:
    """A response body in pieces: the lead before the first token, a piece per token, and the end.

    The first piece of the end is the end mark; the others are usage and `[DONE]`.
    """

    lead: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    end: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Return the size of the body in bytes."""
        return sum(map(len, (*self.lead, *self.tokens, *self.end)))


@dataclass(frozen=True, slots=True)
class Dialect:
    """An upstream's dialect.

    Attributes:
        name: The dialect's name in the table of faults.
        toml: The keys of a provider of the dialect in chatd.toml.
        path: The path of chats.
        stream_type: The content type of a stream.
        stream: Returns a stream of these tokens.
        whole: Returns a whole response with this text.
        error: An error as a piece of a stream.
        error_body: An error as a body of its own.
        keep_alive: A piece of a stream without content.
        malformed: An invalid piece of a stream.

    """

    name: str
    toml: str
    path: str
    stream_type: str
    stream: Callable[[list[str]], ResponsePieces]
    whole: Callable[[str], Mapping[str, Any]]
    error: bytes
    error_body: bytes
    keep_alive: bytes
    malformed: bytes


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat request, parsed by the upstream.

    Attributes:
        dialect: The request's dialect.
        streamed: Whether the response is streamed.
        prompt: The text of the last user turn.
        prefill: The text of an assistant's turn to continue, or an empty text.
        headers: Headers by lower-case name.

    """

    dialect: Dialect
    streamed: bool
    prompt: str = field(repr=False)
    prefill: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def response(self, text: str) -> ResponsePieces:
        """Return the response with this text, streamed or whole as requested."""
        tokens = words(text)
        if self.streamed:
            return self.dialect.stream(tokens)
        return _sliced(json.dumps(self.dialect.whole(text)).encode(), len(tokens))

    @property
    def content_type(self) -> str:
        """Return the response's content type."""
        return self.dialect.stream_type if self.streamed else "application/json"


def words(text: str) -> list[str]:
    """Split a text into tokens, each a word and the space after."""
    return re.findall(r"\S+\s*", text)


def parse_request(path: str, headers: Mapping[str, str], body: bytes) -> ChatRequest:
    """Parse a request; the end of its path identifies the dialect."""
    # Bedrock has a path of its own for streams.
    chats = path.removesuffix("-stream")
    served = (*DIALECTS.values(), COMPLETIONS)
    dialect = next(known for known in served if chats.endswith(known.path))
    sent = json.loads(body)
    turns = sent.get("messages") or sent.get("input")
    turns = turns or [{"role": "user", "content": sent.get("prompt")}]
    prompts = [turn["content"] for turn in turns if turn["role"] == "user"]
    last = turns[-1]
    # Ollama streams by default, the others on request.
    streamed = bool(sent.get("stream", dialect.path.startswith("/api/") or chats != path))
    prefill = _text(last["content"]) if last["role"] == "assistant" else ""
    if dialect is COMPLETIONS:
        prompts, prefill = [_PROMPT], sent["prompt"].removeprefix(_PROMPT)
    return ChatRequest(dialect, streamed, _text(prompts[-1]), prefill, headers)


def _ollama(path: str) -> Callable[[list[str]], ResponsePieces]:
    def stream(tokens: list[str]) -> ResponsePieces:
        *pieces, end = answers.ollama_lines(*tokens, path=path)
        return ResponsePieces((), tuple(pieces), (end,))

    return stream


def _openai(tokens: list[str]) -> ResponsePieces:
    lead, *pieces = answers.openai_chunks(*tokens)
    return ResponsePieces((lead,), tuple(pieces[: len(tokens)]), tuple(pieces[len(tokens) :]))


def _completions(tokens: list[str]) -> ResponsePieces:
    pieces = answers.text_chunks(*tokens)
    return ResponsePieces((), tuple(pieces[: len(tokens)]), tuple(pieces[len(tokens) :]))


def _responses(tokens: list[str]) -> ResponsePieces:
    first, *pieces = answers.responses_events(*tokens)
    count = 1 + len(tokens)
    return ResponsePieces((first, pieces[0]), tuple(pieces[1:count]), tuple(pieces[count:]))


def _text(content: str | list[Mapping[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _anthropic(tokens: list[str]) -> ResponsePieces:
    start, block, *pieces = answers.anthropic_events(*tokens)
    closed, *end = pieces[len(tokens) :]
    tokens_and_stop = (*pieces[: len(tokens) - 1], pieces[len(tokens) - 1] + closed)
    return ResponsePieces((start, block), tokens_and_stop, tuple(end))


def _converse(tokens: list[str]) -> ResponsePieces:
    start, *pieces = answers.converse_events(*tokens)
    closed, *end = pieces[len(tokens) :]
    tokens_and_stop = (*pieces[: len(tokens) - 1], pieces[len(tokens) - 1] + closed)
    return ResponsePieces((start,), tokens_and_stop, tuple(end))


def _sliced(body: bytes, pieces: int) -> ResponsePieces:
    """Cut a whole response into one slice per token and a last slice."""
    size = len(body) // (pieces + 1) + 1
    slices = [body[n : n + size] for n in range(0, len(body), size)]
    return ResponsePieces((), tuple(slices[:-1]), tuple(slices[-1:]))


_OLLAMA_ERROR = {"error": "the model broke"}
_ANTHROPIC_ERROR = {"type": "error", "error": {"type": "api_error", "message": "the model broke"}}
_OPENAI_ERROR = {"error": {"code": 502, "message": "the model broke"}}
_ROWS = (
    Dialect(
        name="ollama",
        toml='dialect = "ollama"',
        path="/api/chat",
        stream_type="application/x-ndjson",
        stream=_ollama("/api/chat"),
        whole=answers.ollama_chat,
        error=answers.json_line(_OLLAMA_ERROR),
        error_body=json.dumps(_OLLAMA_ERROR).encode(),
        keep_alive=b"\n",
        malformed=b"{nonsense\n",
    ),
    Dialect(
        name="ollama generate",
        toml='dialect = "ollama"\nendpoint = "generate"',
        path="/api/generate",
        stream_type="application/x-ndjson",
        stream=_ollama("/api/generate"),
        whole=answers.ollama_generate,
        error=answers.json_line(_OLLAMA_ERROR),
        error_body=json.dumps(_OLLAMA_ERROR).encode(),
        keep_alive=b"\n",
        malformed=b"{nonsense\n",
    ),
    Dialect(
        name="openai",
        toml='dialect = "openai_chat"',
        path="/chat/completions",
        stream_type="text/event-stream",
        stream=_openai,
        whole=answers.openai_chat,
        error=answers.sse({**_OPENAI_ERROR, "choices": [{"delta": {}, "finish_reason": "error"}]}),
        error_body=json.dumps(_OPENAI_ERROR).encode(),
        keep_alive=b": PROCESSING\n\n",
        malformed=b"data: {nonsense\n\n",
    ),
    Dialect(
        name="responses",
        toml='dialect = "openai_responses"',
        path="/responses",
        stream_type="text/event-stream",
        stream=_responses,
        whole=answers.responses,
        error=answers.sse({"type": "error", "code": "server_error", "message": "the model broke"}),
        error_body=json.dumps(_OPENAI_ERROR).encode(),
        keep_alive=b'data: {"type":"keepalive"}\n\n',
        malformed=b"data: {nonsense\n\n",
    ),
    Dialect(
        name="anthropic",
        toml='dialect = "anthropic_messages"',
        path="/messages",
        stream_type="text/event-stream",
        stream=_anthropic,
        whole=answers.anthropic,
        error=answers.named_sse(_ANTHROPIC_ERROR),
        error_body=json.dumps(_ANTHROPIC_ERROR).encode(),
        keep_alive=answers.named_sse({"type": "ping"}),
        malformed=b"data: {nonsense\n\n",
    ),
    Dialect(
        name="converse",
        toml='dialect = "bedrock_converse"',
        path="/converse",
        stream_type=event_stream.CONTENT_TYPE,
        stream=_converse,
        whole=answers.converse,
        error=event_stream.exception("internalServerException", "the model broke"),
        error_body=json.dumps({"message": "the model broke"}).encode(),
        keep_alive=event_stream.event("keepAlive", {}),
        malformed=event_stream.event("contentBlockDelta", {})[:-1] + b"?",
    ),
)
# OpenAI's completions, for rows of its chat dialect.
COMPLETIONS = Dialect(
    name="openai completions",
    toml='dialect = "openai_chat"',
    path="/completions",
    stream_type="text/event-stream",
    stream=_completions,
    whole=answers.text_completion,
    error=answers.sse({**_OPENAI_ERROR, "choices": [{"text": "", "finish_reason": "error"}]}),
    error_body=json.dumps(_OPENAI_ERROR).encode(),
    keep_alive=b": PROCESSING\n\n",
    malformed=b"data: {nonsense\n\n",
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})
