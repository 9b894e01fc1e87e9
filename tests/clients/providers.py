"""Every provider behind one socket, told apart by their paths; each wants its own key.

A model's name can be a fault: then the provider does what the name says.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from urllib.parse import urlsplit

from chatd.config.catalog import CATALOG, Provider
from tests.clients import stub_ollama, stub_openai
from tests.clients.stub_model import Asked, Json, RefusalError, must, reply
from tests.support.upstream import Received, Script, chunked, head, raw, then_close
from tests.support.upstream import reply as http_reply

# The rows that have a stand-in: each that differs from another in more than its address and key.
ROWS: Mapping[str, Provider] = MappingProxyType(
    {row.name: row for row in CATALOG.values() if row.adapter or row.dialect != "openai_chat"}
)
# The path of each one behind the one socket, and a model that it serves.
PATHS = MappingProxyType(
    {name: f"/{name}{urlsplit(row.base_url).path}" for name, row in ROWS.items()}
)
_MODELS = MappingProxyType(
    {
        "ollama": "llama3.2",
        "ollama_cloud": "gpt-oss:120b",
        "openrouter": "vendor/large-1",
        "opencode": "glm-5",
        "kimi": "kimi-for-coding",
    }
)
MODELS = MappingProxyType({name: _MODELS.get(name, "model-1") for name in ROWS})
# By the model's name: status, code, words, and seconds in Retry-After.
_REFUSALS: Mapping[str, tuple[int, str, str, int]] = {
    "refuses": (400, "context_length_exceeded", "too many tokens", 0),
    "unauthorized": (401, "invalid_api_key", "no such key", 0),
    "refused-for-good": (401, "invalid_api_key", "no such key", 0),
    "forbidden": (403, "access_terminated_error", "not for you", 0),
    "gone": (404, "not_found", "no such model", 0),
    "busy": (429, "rate_limit_reached_error", "slow down", 1),
    "spent": (429, "exceeded_current_quota_error", "you have reached your weekly usage limit", 0),
    "spent-for-good": (429, "exceeded_current_quota_error", "weekly usage limit", 0),
    "broken": (500, "server_error", "out of order", 0),
    "overloaded": (503, "engine_overloaded", "try later", 0),
}
# How some of them say the same: nearly everything is a 401 at OpenCode.
_OWN_REFUSALS: Mapping[tuple[str, str], tuple[int, str, str, int]] = {
    ("openrouter", "spent"): (402, "insufficient_credits", "no credit", 0),
    ("opencode", "spent"): (401, "CreditsError", "no credit", 0),
    ("opencode", "gone"): (401, "ModelError", "no such model", 0),
}
# OpenRouter says everything else under status 200.
_OPENROUTER_STATUSES = (400, 402)
_FAULTS = ("busy-once", "dies", "errs", "stalls", *_REFUSALS)
# How many events come before a stream breaks.
_BEFORE = 3
# Whose streams come a byte a chunk, so that every character and every event is cut.
_CUT = ("kimi", "ollama_cloud")


def key_of(provider: str) -> str | None:
    """The key that a provider wants."""
    return f"sk-made-up-{provider}" if CATALOG[provider].key_variable else None


def environment(url: str) -> dict[str, str]:
    """What leads the gateway to the providers at `url`, and opens them."""
    found = {}
    for name, path in PATHS.items():
        row = CATALOG[name]
        assert row.base_url_variable
        found[row.base_url_variable] = url + path
        if row.key_variable:
            found[row.key_variable] = str(key_of(name))
    return found


class _AsToldError(RefusalError):
    """A refusal that the model's name asked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A chat as a provider saw it: when, by its own clock in seconds, and what it asked for."""

    provider: str
    path: str
    at: float
    body: Json


@dataclass(slots=True)
class Providers:
    """The providers, what they saw, and what they had to refuse though nobody told them to."""

    stall: Callable[[], object]
    seen: list[Seen] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def of_model(self, model: str) -> list[Seen]:
        """The chats for a model."""
        return [chat for chat in self.seen if chat.body["model"] == model]

    def answer(self, connection: socket.socket, received: Received) -> None:
        """Answer one request, as `tests.support.upstream` calls it."""
        for provider, place in PATHS.items():
            if received.path.startswith(place + "/"):
                path = received.path.removeprefix(place)
                self._answer(provider, path, received)(connection, received)
                return
        _whole({"error": "nothing here"}, 404)(connection, received)

    def _answer(self, provider: str, path: str, received: Received) -> Script:
        ollama = CATALOG[provider].dialect == "ollama"
        if path == "/api/version":
            return _whole({"version": "0.13.0"})
        try:
            self._admit(provider, received)
            if path in ("/api/tags", "/models"):
                speak = stub_ollama if ollama else stub_openai
                return _whole(speak.models([MODELS[provider]]))
            return self._chat(provider, path, received)
        except _AsToldError as error:
            return _refusal(provider, error)
        except (RefusalError, KeyError, TypeError, ValueError) as error:
            self.refused.append(f"{provider}: {error!r}: {received.body[:2000]!r}")
            return _refusal(provider, RefusalError(400, str(error), "invalid_request_error"))

    def _stalled(self, _connection: socket.socket, _received: Received) -> None:
        self.stall()

    def _admit(self, provider: str, received: Received) -> None:
        key = key_of(provider)
        expected = f"Bearer {key}" if key else None
        if received.headers.get("authorization") != expected:
            raise RefusalError(401, "the key is not the one for here")

    def _chat(self, provider: str, path: str, received: Received) -> Script:
        body = received.json
        self.seen.append(Seen(provider, path, time.monotonic(), body))
        model = body["model"]
        must(model in (*MODELS.values(), *_FAULTS), f"model {model!r} not found")
        if model in _REFUSALS:
            status, code, words, wait = _OWN_REFUSALS.get((provider, model), _REFUSALS[model])
            raise _AsToldError(status, words, code, wait)
        if model == "busy-once" and len(self.of_model(model)) == 1:
            raise _AsToldError(429, "slow down", "rate_limit_reached_error", 3)
        if model == "stalls":
            return self._stalled
        if CATALOG[provider].dialect == "ollama":
            honours = CATALOG[provider].honours_format
            asked = stub_ollama.understood(provider, path, body, honours_format=honours)
            if not asked.stream:
                return _whole(stub_ollama.whole(path, asked, reply(asked)))
            lines = stub_ollama.lines(path, asked, reply(asked))
            return _streamed(lines, asked, "application/x-ndjson")
        must(path == "/chat/completions", f"nothing is at {path}")
        asked = stub_openai.understood(provider, body, received.headers)
        if not asked.stream:
            return _whole(stub_openai.whole(asked, reply(asked)))
        return _streamed(stub_openai.events(asked, reply(asked)), asked, "text/event-stream")


def _whole(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    return http_reply(body, status, {"Content-Type": "application/json", **(headers or {})})


def _refusal(provider: str, error: RefusalError) -> Script:
    """A failure in the provider's words."""
    headers = {"Retry-After": str(error.wait)} if error.wait else {}
    if CATALOG[provider].dialect == "ollama":
        return _whole(stub_ollama.refusal(error), error.status, headers)
    honest = provider != "openrouter" or error.status in _OPENROUTER_STATUSES
    body = stub_openai.refusal(provider, error)
    return _whole(body, error.status if honest else 200, headers)


def _streamed(pieces: Iterator[bytes], asked: Asked, kind: str) -> Script:
    """A stream; some are cut everywhere, and two of the models break theirs off."""
    if asked.model == "dies":
        return then_close(_begun(list(islice(pieces, _BEFORE)), kind))
    if asked.model == "errs":
        error = RefusalError(503, "out of memory", "server_error")
        if CATALOG[asked.provider].dialect == "ollama":
            told = stub_ollama.broken(error)
        else:
            told = stub_openai.broken(asked.provider, error)
        return chunked([*islice(pieces, _BEFORE), told], kind)
    if asked.provider in _CUT:
        pieces = (bytes([byte]) for byte in b"".join(pieces))
    return chunked(pieces, kind)


def _begun(pieces: list[bytes], kind: str) -> Script:
    """The beginning of a stream, without its end."""
    sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return raw(head(200, {"Content-Type": kind, "Transfer-Encoding": "chunked"}) + sent)
