"""Serve a stub of every provider on one socket, by path; each requires its own key.

Some models' names are faults, which the provider then shows.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from urllib.parse import urlsplit

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from tests.clients import (
    stub_anthropic,
    stub_completions,
    stub_embeddings,
    stub_ollama,
    stub_openai,
    stub_responses,
)
from tests.clients.stub_model import (
    INPUT_TOKENS,
    ChatRequest,
    Json,
    RefusalError,
    reply,
    require,
)
from tests.support.bedrock import converse
from tests.support.upstream import Received, Script, chunked, head, raw, then_close
from tests.support.upstream import reply as http_reply

# A model of each provider.
MODELS = MappingProxyType(
    {
        "ollama": "llama3.2",
        "ollama_cloud": "gpt-oss:120b",
        "openrouter": "vendor/large-1",
        "opencode": "glm-5",
        "openai": "gpt-5.6-sol",
        "kimi": "kimi-for-coding",
        "anthropic": "claude-opus-4-6",
    }
)
# The rows with a stub: every dialect and variant has one. tests/support/vendors refuses what each
# further vendor refuses; tests/support/bedrock is the stub of the row on AWS, with its signatures.
ROWS: Mapping[str, Provider] = MappingProxyType(
    {row.name: row for row in CATALOG.values() if row.name in MODELS}
)
# The path of each provider.
PATHS = MappingProxyType(
    {name: f"/{name}{urlsplit(row.base_url).path}" for name, row in ROWS.items()}
)
# By the dialect's name in dialects.DIALECTS: the module that answers as its providers do.
STUBS = MappingProxyType(
    {
        "ollama": stub_ollama,
        "openai_chat": stub_openai,
        "anthropic_messages": stub_anthropic,
        "openai_responses": stub_responses,
        "bedrock_converse": converse,
    }
)
# By the model's name: status, code, message, and seconds in Retry-After.
_REFUSALS: Mapping[str, tuple[int, str, str, int]] = {
    "refuses": (400, "context_length_exceeded", "too many tokens", 0),
    "unauthorized": (401, "invalid_api_key", "no such key", 0),
    "refused-for-good": (401, "invalid_api_key", "no such key", 0),
    "forbidden": (403, "access_terminated_error", "not for you", 0),
    "missing": (404, "not_found", "no such model", 0),
    "busy": (429, "rate_limit_reached_error", "slow down", 1),
    "spent": (429, "exceeded_current_quota_error", "you have reached your weekly usage limit", 0),
    "spent-for-good": (429, "exceeded_current_quota_error", "weekly usage limit", 0),
    "broken": (500, "server_error", "out of order", 0),
    "overloaded": (503, "engine_overloaded", "try later", 0),
}
# Errors of single providers: OpenCode returns 401 in most cases.
_OWN_REFUSALS: Mapping[tuple[str, str], tuple[int, str, str, int]] = {
    ("openrouter", "spent"): (402, "insufficient_credits", "no credit", 0),
    ("opencode", "spent"): (401, "CreditsError", "no credit", 0),
    ("opencode", "missing"): (401, "ModelError", "no such model", 0),
    ("anthropic", "refuses"): (400, "", "prompt is too long: 2 tokens > 1 maximum", 0),
    ("anthropic", "overloaded"): (529, "", "Overloaded", 0),
}
# OpenRouter returns all other errors under status 200.
_OPENROUTER_STATUSES = (400, 402)
_FAULTS = ("busy-once", "disconnects", "fails", "stalls", *_REFUSALS)
# The dialects of paths at which several providers serve another dialect than their row's.
_DIALECTS = {"/messages": "anthropic_messages", "/responses": "openai_responses"}
# A word of an answer, after which a stream breaks.
_BREAK = b"echoes"
# Providers that send one byte per chunk, so that every character and every event is cut.
_CUT = ("kimi", "ollama_cloud")


def key_of(provider: str) -> str | None:
    """Return the provider's key, or None."""
    return f"sk-made-up-{provider}" if CATALOG[provider].key_variable else None


def environment(url: str) -> dict[str, str]:
    """Return the variables that point the gateway to the providers at `url`, with their keys."""
    found = {}
    for name, path in PATHS.items():
        row = CATALOG[name]
        assert row.base_url_variable
        found[row.base_url_variable] = url + path
        if row.key_variable:
            found[row.key_variable] = str(key_of(name))
    return found


class _ScriptedError(RefusalError):
    """An error that the model's name requires."""


@dataclass(frozen=True, slots=True)
class LoggedChat:
    """A chat request in a provider's log, with its time in seconds of the monotonic clock."""

    provider: str
    path: str
    at: float
    body: Json


@dataclass(slots=True)
class Providers:
    """The providers, their log of chats, and their unscripted refusals."""

    stall: Callable[[], object]
    log: list[LoggedChat] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def of_model(self, model: str) -> list[LoggedChat]:
        """Return the logged chats for a model."""
        return [chat for chat in self.log if chat.body["model"] == model]

    def answer(self, connection: socket.socket, received: Received) -> None:
        """Answer one request, as a script of `tests.support.upstream`."""
        for provider, prefix in PATHS.items():
            if received.path.startswith(prefix + "/"):
                path = received.path.removeprefix(prefix)
                self._answer(provider, path, received)(connection, received)
                return
        _whole({"error": "unknown path"}, 404)(connection, received)

    def _answer(self, provider: str, path: str, received: Received) -> Script:
        if path == "/api/version":
            return _whole({"version": "0.13.0"})
        try:
            self._admit(provider, path, received)
            if path in ("/api/tags", "/models", "/models?limit=1000"):
                return _whole(STUBS[CATALOG[provider].dialect].models([MODELS[provider]]))
            if path == "/messages/count_tokens":
                return _whole({"input_tokens": INPUT_TOKENS})
            is_embedding = path in ("/api/embed", "/embeddings")
            return (self._embeddings if is_embedding else self._chat)(provider, path, received)
        except _ScriptedError as error:
            return _refusal(provider, error)
        except (RefusalError, KeyError, TypeError, ValueError) as error:
            self.refused.append(f"{provider}: {error!r}: {received.body[:2000]!r}")
            return _refusal(provider, RefusalError(400, str(error), "invalid_request_error"))

    def _stalled(self, _connection: socket.socket, _received: Received) -> None:
        self.stall()

    def _admit(self, provider: str, path: str, received: Received) -> None:
        row, key = CATALOG[provider], key_of(provider)
        dialect = _DIALECTS.get("/" + path.rpartition("/")[2], row.dialect)
        name = row.key_headers.get(dialect, "Authorization").lower()
        expected = f"Bearer {key}" if key and name == "authorization" else key
        if received.headers.get(name) != expected:
            raise RefusalError(401, "wrong key")

    def _embeddings(self, provider: str, path: str, received: Received) -> Script:
        return _whole(stub_embeddings.answer(provider, path, received.json))

    def _chat(self, provider: str, path: str, received: Received) -> Script:
        body = received.json
        self.log.append(LoggedChat(provider, path, time.monotonic(), body))
        model = body["model"]
        require(model in (*MODELS.values(), *_FAULTS), f"model {model!r} not found")
        if model in _REFUSALS:
            status, code, words, wait = _OWN_REFUSALS.get((provider, model), _REFUSALS[model])
            raise _ScriptedError(status, words, code, wait)
        if model == "busy-once" and len(self.of_model(model)) == 1:
            raise _ScriptedError(429, "slow down", "rate_limit_reached_error", 3)
        if model == "stalls":
            return self._stalled
        if path.endswith("/messages"):
            request = stub_anthropic.parse_request(provider, body, received.headers)
            return _server_sent(stub_anthropic, request)
        if path.endswith("/responses"):
            request = stub_responses.parse_request(provider, body, received.headers)
            return _server_sent(stub_responses, request)
        if CATALOG[provider].dialect == "ollama":
            honours = CATALOG[provider].honours_format
            request = stub_ollama.parse_request(provider, path, body, honours_format=honours)
            if not request.stream:
                return _whole(stub_ollama.whole(path, request, reply(request)))
            stream = stub_ollama.stream(path, request, reply(request))
            return _streamed(stream, request, "application/x-ndjson")
        if path == "/completions":
            stub: ModuleType = stub_completions
            request = stub_completions.parse_request(provider, body)
        else:
            require(path == "/chat/completions", f"unknown path {path}")
            stub = stub_openai
            request = stub_openai.parse_request(provider, body, received.headers)
        return _server_sent(stub, request)


def _server_sent(stub: ModuleType, request: ChatRequest) -> Script:
    """Return the answer of a dialect whose streams are server-sent events."""
    if not request.stream:
        return _whole(stub.whole(request, reply(request)))
    return _streamed(stub.stream(request, reply(request)), request, "text/event-stream")


def _whole(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    return http_reply(body, status, {"Content-Type": "application/json", **(headers or {})})


def _refusal(provider: str, error: RefusalError) -> Script:
    """Return the provider's error response."""
    headers = {"Retry-After": str(error.wait)} if error.wait else {}
    if CATALOG[provider].dialect == "ollama":
        return _whole(stub_ollama.error_body(error), error.status, headers)
    if CATALOG[provider].dialect == "anthropic_messages":
        return _whole(stub_anthropic.error_body(error), error.status, headers)
    real_status = provider != "openrouter" or error.status in _OPENROUTER_STATUSES
    body = stub_openai.error_body(provider, error)
    return _whole(body, error.status if real_status else 200, headers)


def _streamed(pieces: Iterator[bytes], request: ChatRequest, kind: str) -> Script:
    """Return a stream; some are cut at every byte, and two models break theirs."""
    dialect = CATALOG[request.provider].dialect
    if request.model == "disconnects":
        return then_close(_begun(_until_text(pieces), kind))
    if request.model == "fails":
        error = RefusalError(503, "out of memory", "server_error")
        if dialect == "ollama":
            event = stub_ollama.error_line(error)
        elif dialect == "anthropic_messages":
            event = stub_anthropic.error_event(error)
        else:
            event = stub_openai.error_event(request.provider, error)
        return chunked([*_until_text(pieces), event], kind)
    if request.provider in _CUT:
        pieces = (bytes([byte]) for byte in b"".join(pieces))
    return chunked(pieces, kind)


def _until_text(pieces: Iterator[bytes]) -> list[bytes]:
    """Return the pieces of a stream up to the one at which the stream breaks."""
    kept = []
    for piece in pieces:
        kept.append(piece)
        if _BREAK in piece:
            break
    return kept


def _begun(pieces: list[bytes], kind: str) -> Script:
    """Return the head and first pieces of a stream, without its end."""
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return raw(head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"}) + sent)
