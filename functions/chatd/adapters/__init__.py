"""How each dialect is spoken, one file a dialect, and which of them speaks to a provider.

An adapter is pure: a request in the internal form becomes an HTTP request, and an HTTP response
an answer. Only the gateway sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Protocol

from pydantic import SecretStr

from chatd.adapters.kimi import Kimi
from chatd.adapters.ollama import Ollama
from chatd.adapters.ollama_generate import OllamaGenerate, is_faithful
from chatd.adapters.openai_chat import OpenAIChat
from chatd.adapters.opencode import OpenCode
from chatd.adapters.openrouter import OpenRouter
from chatd.answer import Answer, Event
from chatd.catalog import Provider
from chatd.chat import ChatRequest
from chatd.wire.http import HttpRequest, HttpResponse


class Adapter(Protocol):
    """Speaks one dialect."""

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """The caller's fields that would change the answer and cannot be honoured here."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """The caller's fields that the provider fixes itself, and that are left out."""

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """The HTTP request for a chat; `request.model` is the provider's own name for the model."""

    def parse(self, response: HttpResponse) -> Answer:
        """Read a whole answer, or raise a ChatdError."""

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Event]:
        """Read a stream, or raise a ChatdError: its status was 200, and its bytes are `chunks`."""

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """The HTTP request for the list of the provider's models."""

    def models(self, response: HttpResponse) -> list[str]:
        """The names of the provider's models, or raise a ChatdError."""


DIALECTS: Mapping[str, Adapter] = MappingProxyType(
    {
        "ollama": Ollama(),
        "openai_chat": OpenAIChat(),
        "openrouter": OpenRouter(),
        "opencode": OpenCode(),
        "kimi": Kimi(),
    }
)
_GENERATE = OllamaGenerate()


def adapter_for(row: Provider, request: ChatRequest) -> Adapter:
    """The adapter that carries this chat to this provider."""
    if row.endpoint == "generate" or (row.endpoint == "auto" and is_faithful(request)):
        return _GENERATE
    return DIALECTS[row.adapter or row.dialect]
