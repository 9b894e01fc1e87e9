"""The three dialects as an upstream speaks them, in pieces that a fault can come between.

It knows what a request asks and how an answer is written, and nothing of sockets or of faults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from tests.support import answers


@dataclass(frozen=True, slots=True)
class Spoken:
    """An answer in pieces: what comes before the first token, a piece a token, and the end.

    The first piece of the end says that the answer is whole; the others are about the books.
    """

    lead: tuple[bytes, ...]
    tokens: tuple[bytes, ...]
    end: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes of all."""
        return sum(map(len, (*self.lead, *self.tokens, *self.end)))


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an upstream speaks.

    Attributes:
        name: The dialect's name in a table's row.
        toml: The keys of a provider of it in chatd.toml.
        path: Where its chats are posted to.
        streams_as: The content type of a stream.
        written: A stream of these tokens.
        whole: An answer in one piece.
        error: An error, as a piece of a stream.
        body: An error, as a body of its own.
        noise: A sign of life that says nothing.
        nonsense: A piece of a stream that is none.

    """

    name: str
    toml: str
    path: str
    streams_as: str
    written: Callable[[list[str]], Spoken]
    whole: Callable[[str], Mapping[str, Any]]
    error: bytes
    body: bytes
    noise: bytes
    nonsense: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as an upstream understands it.

    Attributes:
        dialect: What it was asked in.
        streamed: Whether the answer is to be streamed.
        prompt: The text of the last turn of the user's.
        prefill: What the assistant's turn is to begin with; empty if it is not begun.
        headers: By lower-case names.

    """

    dialect: Dialect
    streamed: bool
    prompt: str = field(repr=False)
    prefill: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    def spoken(self, text: str) -> Spoken:
        """The answer with this text, in the way that was asked for."""
        tokens = words(text)
        if self.streamed:
            return self.dialect.written(tokens)
        return _sliced(json.dumps(self.dialect.whole(text)).encode(), len(tokens))

    @property
    def content_type(self) -> str:
        """Of an answer in the way that was asked for."""
        return self.dialect.streams_as if self.streamed else "application/json"


def words(text: str) -> list[str]:
    """The tokens of a text: a word and the space behind it each."""
    return re.findall(r"\S+\s*", text)


def understood(path: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """What a request asks for; its path ends in the path of its dialect."""
    dialect = next(known for known in DIALECTS.values() if path.endswith(known.path))
    sent = json.loads(body)
    turns = sent.get("messages") or [{"role": "user", "content": sent.get("prompt")}]
    said = [turn["content"] for turn in turns if turn["role"] == "user"]
    last = turns[-1]
    # Ollama streams unless it is told not to, the others if they are told to.
    streamed = bool(sent.get("stream", dialect.path.startswith("/api/")))
    prefill = last["content"] if last["role"] == "assistant" else ""
    return Asked(dialect, streamed, said[-1], prefill, headers)


def _ollama(path: str) -> Callable[[list[str]], Spoken]:
    def written(tokens: list[str]) -> Spoken:
        *pieces, end = answers.ollama_lines(*tokens, path=path)
        return Spoken((), tuple(pieces), (end,))

    return written


def _openai(tokens: list[str]) -> Spoken:
    lead, *pieces = answers.openai_chunks(*tokens)
    return Spoken((lead,), tuple(pieces[: len(tokens)]), tuple(pieces[len(tokens) :]))


def _sliced(body: bytes, pieces: int) -> Spoken:
    """A whole answer in as many slices as it has tokens, and a last one that ends it."""
    size = len(body) // (pieces + 1) + 1
    slices = [body[n : n + size] for n in range(0, len(body), size)]
    return Spoken((), tuple(slices[:-1]), tuple(slices[-1:]))


_OLLAMA_ERROR = {"error": "the model broke"}
_OPENAI_ERROR = {"error": {"code": 502, "message": "the model broke"}}
_ROWS = (
    Dialect(
        name="ollama",
        toml='dialect = "ollama"',
        path="/api/chat",
        streams_as="application/x-ndjson",
        written=_ollama("/api/chat"),
        whole=answers.ollama_chat,
        error=answers.json_line(_OLLAMA_ERROR),
        body=json.dumps(_OLLAMA_ERROR).encode(),
        noise=b"\n",
        nonsense=b"{nonsense\n",
    ),
    Dialect(
        name="ollama generate",
        toml='dialect = "ollama"\nendpoint = "generate"',
        path="/api/generate",
        streams_as="application/x-ndjson",
        written=_ollama("/api/generate"),
        whole=answers.ollama_generate,
        error=answers.json_line(_OLLAMA_ERROR),
        body=json.dumps(_OLLAMA_ERROR).encode(),
        noise=b"\n",
        nonsense=b"{nonsense\n",
    ),
    Dialect(
        name="openai",
        toml='dialect = "openai_chat"',
        path="/chat/completions",
        streams_as="text/event-stream",
        written=_openai,
        whole=answers.openai_chat,
        error=answers.sse({**_OPENAI_ERROR, "choices": [{"delta": {}, "finish_reason": "error"}]}),
        body=json.dumps(_OPENAI_ERROR).encode(),
        noise=b": PROCESSING\n\n",
        nonsense=b"data: {nonsense\n\n",
    ),
)
DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})
