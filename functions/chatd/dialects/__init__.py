"""How each dialect is spoken, one file a dialect, and which of them speaks to a provider.

An adapter is pure: a request in the internal form becomes an HTTP request, and an HTTP response
an answer. Only the gateway sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Answer, Event
from chatd.config.catalog import Provider
from chatd.errors import UpstreamRefusedError
from chatd.upstream_http import HttpRequest, HttpResponse


class Dialect(Protocol):
    """Speaks one dialect."""

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """The caller's fields that would change the answer and cannot be honoured here."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """The caller's fields that the provider fixes itself, and that are left out."""

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """The HTTP request for a chat; `request.model` is the provider's own name for the model."""

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """The request without the hint that was refused, and its name; None if no hint was."""

    def parse(self, response: HttpResponse) -> Answer:
        """Read a whole answer, or raise a ChatdError."""

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Event]:
        """Read a stream, or raise a ChatdError: its status was 200, and its bytes are `chunks`."""

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """The HTTP request for the list of the provider's models."""

    def models(self, response: HttpResponse) -> list[str]:
        """The names of the provider's models, or raise a ChatdError."""


# Where each is: one is imported when a chat first goes to a provider that speaks so.
DIALECTS: Mapping[str, str] = MappingProxyType(
    {
        "ollama": "ollama.dialect.Ollama",
        "ollama_generate": "ollama.generate.OllamaGenerate",
        "openai_chat": "openai_chat.dialect.OpenAIChat",
        "openrouter": "vendors.openrouter.OpenRouter",
        "opencode": "vendors.opencode.OpenCode",
        "kimi": "vendors.kimi.Kimi",
    }
)


@cache
def load_dialect(name: str) -> Dialect:
    """The adapter by a name of DIALECTS."""
    module, _, kind = DIALECTS[name].rpartition(".")
    return cast("Dialect", getattr(import_module(f"chatd.dialects.{module}"), kind)())


def dialect_for(row: Provider, request: ChatRequest) -> Dialect:
    """The adapter that carries this chat to this provider."""
    if row.endpoint == "generate" or (row.endpoint == "auto" and is_plain(request)):
        return load_dialect("ollama_generate")
    return load_dialect(row.adapter or row.dialect)


def is_plain(request: ChatRequest) -> bool:
    """Whether Ollama's `/api/generate`, which knows no turns, carries all there is of a chat."""
    *before, last = request.messages
    text = all(isinstance(block, Text) for turn in request.messages for block in turn.blocks)
    roles = [turn.role for turn in before]
    system = not roles or (len(roles) == 1 and roles[0] in ("system", "developer"))
    return text and system and last.role == "user" and not request.tools and not request.logprobs
