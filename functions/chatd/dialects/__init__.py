"""The APIs that providers offer, one folder each, and the choice of one for a chat.

A dialect is pure: it builds an HTTP request from a canonical request, and reads a canonical
response from an HTTP response. It sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast, runtime_checkable

from pydantic import SecretStr

from chatd.canonical.content import Text
from chatd.canonical.events import Frame
from chatd.canonical.request import ChatRequest
from chatd.canonical.response import Response
from chatd.config.provider import Provider
from chatd.errors import UpstreamRefusedError
from chatd.upstream_http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Example:
    """The shortest answer of a dialect, for warm-up. Its text is `{}`, valid structured output.

    Attributes:
        whole: The body of a whole answer.
        stream: The body of a streamed answer.
        media_type: The content type of the stream.

    """

    whole: bytes
    stream: bytes
    media_type: str = "text/event-stream"


class Dialect(Protocol):
    """Translates between one API of providers and the canonical form."""

    @property
    def example(self) -> Example:
        """The shortest answer."""

    @property
    def tool_kinds(self) -> frozenset[str]:
        """The kinds of tools besides functions in the dialect: `custom`, `namespace`.

        `any_name`: it takes names of tools of other characters than letters, digits, `_` and `-`,
        or of more than 64.
        """

    @property
    def chooses_tools(self) -> bool:
        """Whether it carries which tool must be called, and whether several may be."""

    @property
    def enforces_json(self) -> bool:
        """Whether it can demand any JSON object, beside a JSON Schema."""

    def refused(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields that the dialect cannot express and that change the answer."""

    def omitted(self, request: ChatRequest, row: Provider) -> tuple[str, ...]:
        """Name the caller's fields that may change the answer and are left out."""

    def build(self, request: ChatRequest, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the HTTP request for a chat; `request.model` is the provider's name for it."""

    def relaxed(
        self, request: ChatRequest, refusal: UpstreamRefusedError
    ) -> tuple[ChatRequest, str] | None:
        """Return the request without the refused hint, and the hint's name; None without one."""

    def parse(self, response: HttpResponse) -> Response:
        """Read a whole response.

        Raises:
            ChatdError: If the response is a refusal or malformed.

        """

    def events(self, response: HttpResponse, chunks: Iterator[bytes]) -> Iterator[Frame]:
        """Read a stream from its chunks; the response has status 200 and no body.

        Frames before the first part of the answer are held until it arrives.

        Raises:
            ChatdError: If the stream holds an error, is malformed, or closes before its end mark.

        """

    def models_request(self, row: Provider, key: SecretStr | None) -> HttpRequest:
        """Build the HTTP request for the list of the provider's models."""

    def models(self, response: HttpResponse) -> list[str]:
        """Read the names of the provider's models.

        Raises:
            ChatdError: If the response is a refusal or malformed.

        """


class CompletionsDialect(Dialect, Protocol):
    """Translates completions, which are prompts without turns, of one API of providers."""

    @property
    def echoes(self) -> bool:
        """Whether a request can demand an answer that begins with the prompt."""

    def continues(self, request: ChatRequest, row: Provider) -> bool:
        """Whether the model gets the prompt without a template.

        Then a prompt that ends with a partial answer continues the partial answer.
        """


@runtime_checkable
class PagedModels(Protocol):
    """A dialect whose providers have several lists of models, in pages."""

    def models_requests(self, row: Provider, key: SecretStr | None) -> tuple[HttpRequest, ...]:
        """Build the request for the first page of each list."""

    def next_models_request(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpRequest | None:
        """Build the request for the page after a response; None after the last page."""


# A dialect's module is imported when the first chat goes to a provider of it.
DIALECTS: Mapping[str, str] = MappingProxyType(
    {
        "ollama": "ollama.dialect.Ollama",
        "openai_chat": "openai_chat.dialect.OpenAIChat",
        "openai_responses": "openai_responses.dialect.OpenAIResponses",
        "anthropic_messages": "anthropic_messages.dialect.AnthropicMessages",
        "bedrock_converse": "bedrock_converse.dialect.BedrockConverse",
    }
)
# Dialects of one endpoint or vendor; the catalog selects them, chatd.toml does not.
VARIANTS: Mapping[str, str] = MappingProxyType(
    {
        "ollama_generate": "ollama.generate.OllamaGenerate",
        "openrouter": "vendors.openrouter.OpenRouter",
        "kimi": "vendors.kimi.Kimi",
        "gemini": "vendors.gemini.Gemini",
        "bedrock_anthropic": "vendors.bedrock_anthropic.BedrockAnthropic",
        "bedrock_chat": "vendors.bedrock_chat.BedrockChat",
        "bedrock_responses": "vendors.bedrock_responses.BedrockResponses",
    }
)
# The part of a dialect for completions, by the dialect's name; the other dialects have none.
COMPLETIONS: Mapping[str, str] = MappingProxyType(
    {
        "ollama": "ollama.completion.OllamaCompletion",
        "openai_chat": "openai_chat.completions.OpenAICompletions",
    }
)


@cache
def load_dialect(name: str) -> Dialect:
    """Load a dialect by its name in DIALECTS or VARIANTS."""
    return cast("Dialect", _loaded(DIALECTS.get(name) or VARIANTS[name]))


@cache
def load_completions(name: str) -> CompletionsDialect:
    """Load the part of a dialect for completions, by its name in COMPLETIONS."""
    return cast("CompletionsDialect", _loaded(COMPLETIONS[name]))


def _loaded(location: str) -> object:
    module, _, kind = location.rpartition(".")
    return getattr(import_module(f"chatd.dialects.{module}"), kind)()


def dialect_for(row: Provider, request: ChatRequest) -> Dialect:
    """Select the dialect for this chat with this provider, with the vendor's differences."""
    name = dialect_name(row, request)
    if request.completion is not None:
        return load_completions(name)
    if name == row.dialect and (
        row.endpoint == "generate" or (row.endpoint == "auto" and is_plain(request))
    ):
        return load_dialect("ollama_generate")
    return load_dialect(row.variants.get(name, name))


def dialect_name(row: Provider, request: ChatRequest) -> str:
    """Name the dialect for this chat with this provider: a key of DIALECTS.

    The caller's own dialect comes first, if the row has it; then the first pattern of the row that
    matches the model; then the row's dialect.

    Args:
        row: The provider's row.
        request: The chat; its model is the provider's name for it, in any case.

    """
    source = request.source
    if source is not None and source.dialect in row.own_dialects:
        return source.dialect
    for pattern, dialect in row.model_dialects:
        if re.match(pattern, request.model, re.IGNORECASE):
            return dialect
    return row.dialect


def takes_completions(row: Provider, request: ChatRequest) -> bool:
    """Return whether the provider has an API for completions of this model."""
    return row.completions != "none" and dialect_name(row, request) in COMPLETIONS


def continues_prompt(row: Provider, request: ChatRequest) -> bool:
    """Return whether a longer prompt continues a completion of this provider exactly."""
    return load_completions(dialect_name(row, request)).continues(request, row)


def next_dialect(row: Provider, tried: str) -> str | None:
    """Name the dialect of the row's models that follows the tried one; None if there is no other.

    The order is the row's dialect, then those of its patterns; the first follows the last. A
    universal dialect of the row follows each of its patterns.
    """
    if row.universal:
        return None if tried == row.dialect else row.dialect
    served = list(dict.fromkeys((row.dialect, *(dialect for _, dialect in row.model_dialects))))
    place = served.index(tried) + 1 if tried in served else 0
    found = served[place % len(served)]
    return None if found == tried else found


def is_plain(request: ChatRequest) -> bool:
    """Whether Ollama's `/api/generate`, which has no turns, can express all of this chat."""
    *before, last = request.messages
    text = all(isinstance(block, Text) for turn in request.messages for block in turn.blocks)
    roles = [turn.role for turn in before]
    system = not roles or (len(roles) == 1 and roles[0] in ("system", "developer"))
    return text and system and last.role == "user" and not request.tools and not request.logprobs
