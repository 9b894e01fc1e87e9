"""Serve the scripted model on one socket, in four dialects by the request's path.

The beginning of a path can be a fault: `/dying` breaks each stream in the middle of its text,
`/cutting` the first stream in the middle of a tool call, and `/spent` has no quota.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from urllib.parse import urlsplit

from tests.agents import task
from tests.clients import stub_anthropic, stub_ollama, stub_openai, stub_responses
from tests.clients.stub_model import Answer, ChatRequest, Json, RefusalError
from tests.support.upstream import Received, Script, chunked, head, raw, then_close, upstream
from tests.support.upstream import reply as http_reply

# By the last part of a path: the dialect, and the module that answers in this dialect.
_DIALECTS: Mapping[str, tuple[str, ModuleType]] = {
    "/api/chat": ("ollama", stub_ollama),
    "/chat/completions": ("openai_chat", stub_openai),
    "/messages": ("anthropic_messages", stub_anthropic),
    "/responses": ("openai_responses", stub_responses),
}
DIALECTS = tuple(dialect for dialect, _ in _DIALECTS.values())
# By the dialect: a model's name that has the vendor's rules.
MODELS: Mapping[str, str] = MappingProxyType(
    {
        "ollama": "llama3.2",
        "openai_chat": "glm-5",
        "anthropic_messages": "claude-opus-4-8",
        "openai_responses": "gpt-5.5",
    }
)
# By the dialect: the status, message and code of a vendor for an account without quota or credit.
SPENT: Mapping[str, tuple[int, str, str]] = MappingProxyType(
    {
        "ollama": (429, "you have reached your weekly usage limit", ""),
        "openai_chat": (429, "You exceeded your current quota", "insufficient_quota"),
        "anthropic_messages": (400, "Your credit balance is too low", ""),
        "openai_responses": (429, "You exceeded your current quota", "insufficient_quota"),
    }
)
WAYS = ("steady", "dying", "cutting", "spent")
# The beginning of the arguments of a call, as JSON within JSON.
_IN_CALL = r"{\""
Reply = Callable[[ChatRequest], Answer]


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that the model got; `way` is one of WAYS."""

    way: str
    dialect: str
    model: str
    headers: Mapping[str, str]
    body: Json

    @property
    def text(self) -> str:
        """Return the body as JSON."""
        return json.dumps(self.body, ensure_ascii=False)


@dataclass(slots=True)
class ScriptedModel:
    """The model, its log of requests, and its unscripted refusals."""

    url: str = ""
    reply: Reply = task.reply
    log: list[Logged] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, connection: socket.socket, received: Received) -> None:
        """Answer one request, as a script of `tests.support.upstream`."""
        self._script(received)(connection, received)

    def _script(self, received: Received) -> Script:
        path = urlsplit(received.path).path
        for ending, (dialect, stub) in _DIALECTS.items():
            if path.endswith(ending):
                return self._chat(dialect, stub, received)
        if path.endswith("/api/version"):
            return http_reply({"version": "0.13.0"})
        if path.endswith("/api/tags"):
            return http_reply(stub_ollama.models([MODELS["ollama"]]))
        return _unknown(path)

    def _chat(self, dialect: str, stub: ModuleType, received: Received) -> Script:
        body = received.json
        first = received.path.split("/")[1]
        way = first if first in WAYS else "steady"
        cuts = way == "cutting" and way not in {logged.way for logged in self.log}
        self.log.append(Logged(way, dialect, body["model"], received.headers, body))
        if way == "spent":
            status, message, code = SPENT[dialect]
            return _refusal(dialect, RefusalError(status, message, code or None))
        try:
            request = _parsed(dialect, body, received.headers)
            answer = self.reply(request)
        except (RefusalError, KeyError, TypeError, ValueError) as error:
            self.refused.append(f"{dialect}: {error!r}: {received.body[:100_000]!r}")
            return _refusal(dialect, RefusalError(400, str(error), "invalid_request_error"))
        middle = task.MIDDLE if way == "dying" else _IN_CALL if cuts else None
        return _answered(dialect, stub, request, answer, middle)


@contextmanager
def scripted_model(reply: Reply = task.reply) -> Iterator[ScriptedModel]:
    """Run the model while the block lasts."""
    with upstream(raw(b"")) as server:
        model = ScriptedModel(server.url, reply)
        server.script = model.answer
        yield model


def _unknown(path: str) -> Script:
    return http_reply({"error": {"message": f"no path {path}"}}, 404)


def _parsed(dialect: str, body: Json, headers: Mapping[str, str]) -> ChatRequest:
    match dialect:
        case "ollama":
            return stub_ollama.parse_request("ollama", "/api/chat", body, honours_format=True)
        case "openai_chat":
            return stub_openai.parse_request("chat", body, headers)
        case "anthropic_messages":
            return stub_anthropic.parse_request("anthropic", body, headers)
        case _:
            return stub_responses.parse_request("openai", body, headers)


def _answered(
    dialect: str, stub: ModuleType, request: ChatRequest, answer: Answer, middle: str | None
) -> Script:
    given = ("/api/chat", request, answer) if dialect == "ollama" else (request, answer)
    if not request.stream:
        return _json(stub.whole(*given))
    kind = "application/x-ndjson" if dialect == "ollama" else "text/event-stream"
    pieces: Iterable[bytes] = stub.stream(*given)
    if middle is not None:
        return then_close(_begun(_until(pieces, middle), kind))
    return chunked(pieces, kind)


def _until(pieces: Iterable[bytes], middle: str) -> list[bytes]:
    """Return the pieces until the one with a text, and half of the next piece."""
    rest, kept = iter(pieces), []
    for piece in rest:
        kept.append(piece)
        if middle.encode() in piece:
            following = next(rest)
            return [*kept, following[: len(following) // 2]]
    return kept


def _begun(pieces: list[bytes], kind: str) -> Script:
    """Return the head and first pieces of a stream, without its end."""
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return raw(head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"}) + sent)


def _json(body: Json, status: int = 200) -> Script:
    return http_reply(body, status, {"Content-Type": "application/json"})


def _refusal(dialect: str, error: RefusalError) -> Script:
    match dialect:
        case "ollama":
            return _json(stub_ollama.error_body(error), error.status)
        case "openai_chat":
            return _json(stub_openai.error_body("chat", error), error.status)
        case "anthropic_messages":
            return _json(stub_anthropic.error_body(error), error.status)
        case _:
            return _json(stub_responses.error_body(error), error.status)
