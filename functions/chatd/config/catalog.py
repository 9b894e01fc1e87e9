"""The catalog of providers, one row each. To add a provider, add a row.

A row holds a provider's address, dialect, key variable and departures from the dialect. chatd.toml
changes rows for a deployment.

The catalog takes a provider whose dialect is known and whose facts have a link. Its name is also
its prefix and a metric's dimension.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Endpoint = Literal["chat", "generate", "auto"]


@dataclass(frozen=True, slots=True, eq=False)
class Timeouts:
    """Limits in seconds.

    Attributes:
        connect: To make the connection: all addresses and TLS together.
        silence: Without a byte before the first event of a stream.
        silence_with_fallback: The same, if another model can take over.
        first_event: Until the first event of a stream, whatever bytes come before it.
        gap: Between two chunks of a stream.
        total: For the whole call, from its start. None: WHOLE_SECONDS for a whole response, and
            the route's limit for a stream.

    """

    connect: float = 5.0
    silence: float = 60.0
    silence_with_fallback: float = 10.0
    first_event: float = 120.0
    gap: float = 30.0
    total: float | None = None


# API Gateway cuts a connection without a byte for 300 s; a whole response sends none until its end:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
WHOLE_SECONDS = 285.0

_LIMITS: Mapping[str, Timeouts] = MappingProxyType(
    {"ollama": Timeouts(silence=120.0)}  # a server may load a model first
)


def limits_of(dialect: str) -> Timeouts:
    """Return the default limits of a provider of this dialect."""
    return _LIMITS.get(dialect, Timeouts())


# Other dialects have `Authorization`.
_KEY_HEADERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    # https://platform.claude.com/docs/en/api/overview#authentication
    {"anthropic_messages": {"anthropic_messages": "x-api-key"}}
)


def key_headers_of(dialect: str) -> Mapping[str, str]:
    """Return the default headers of the key for a provider of this dialect."""
    return _KEY_HEADERS.get(dialect, {})


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A provider's row.

    Attributes:
        name: The name; `<name>/` is the prefix that routes to the provider.
        dialect: The API; a key of `dialects.DIALECTS`.
        base_url: The URL without a slash at its end; up to and including `/v1` but for Ollama's
            dialect.
        base_url_variable: The environment variable that overrides `base_url`.
        key_variable: The key's name in the secret, the environment and .env; None: no key needed.
        env_file: The .env file in which the key is looked up last.
        adapter: A key of `dialects.VARIANTS`, if the vendor's API has a class of its own.
        model_dialects: The dialects of models that the provider serves in another dialect than
            `dialect`: a regular expression for the beginning of the model's name, in any case, and
            the dialect. The first match holds.
        own_dialects: Dialects in which a caller's own request is forwarded, because the provider
            serves them too and a translation would keep less.
        paths: What follows `base_url` in the URLs of a dialect, such as `/v1`; empty if absent.
        key_headers: The header that carries the key in a dialect; `Authorization` if absent.
        session_header: A header that must name the conversation; None: none.
        known_to_think: A regular expression for the beginning of the names of models that can
            think; a hint of how hard to think is sent to them alone. None: no model is known.
        suffix: An ending of a model's name that also routes to the provider.
        stripped_endings: Endings removed from a model's name before it is sent.
        endpoint: For Ollama's dialect: `/api/chat`, `/api/generate`, or `auto`, which takes
            `/api/generate` for a chat that it can express.
        plans: Base URLs by plan, if the provider sells several.
        plan_dialects: The `model_dialects` of each plan, if they differ.
        plan: The selected plan.
        honours_format: Whether the provider enforces the requested format.
        counts_tokens: Whether the provider has Anthropic's route `/messages/count_tokens`.
        prefill: Whether the provider continues an assistant turn at the end of a conversation.
        prefill_fields: Fields of such a turn that the vendor requires.
        drops: Fields of a request that the provider refuses; they are left out and named.
        model_drops: The fields that single models refuse, by a regular expression for the beginning
            of the model's name, in any case. The first match holds, and replaces what is known of
            Claude's models in Anthropic's dialect.
        default_max_tokens: The limit that a request of Anthropic's dialect gets if the caller sends
            none: its API requires one, and every model since Claude 4 can write 32,000 tokens.
        renames: The provider's names for fields of a request, by OpenAI's names.
        max_tokens_name: The only limit that the provider takes, `max_tokens` or
            `max_completion_tokens`; None: the caller's.
        content_as_text: Whether a message's content must be a text and not a list of parts.
        tools_only_functions: Whether the provider refuses tools of other kinds than functions, in
            every dialect: custom and namespaced tools become functions, hosted tools are left out.
        takes_top_k: Whether the provider takes `top_k` in OpenAI's chat dialect, which lacks it.
        returns_reasoning: The field in which the provider takes an assistant's reasoning back,
            `reasoning_content` or `reasoning`; None: the caller's.
        developer_as_system: Whether a `developer` turn is sent as a `system` turn: chat templates
            of open models have no `developer` role.
        upstream_stream: Whether the provider streams also for a caller that does not. `auto`: only
            if another model can take over, since a stream distinguishes silence from slowness. A
            whole response often has more fields, and only `connect` and `total` limit it.
        timeouts: The limits.
        excluded: The reason why this deployment lacks the provider, as a sentence; None: it has
            the provider.

    """

    name: str
    dialect: str
    base_url: str
    base_url_variable: str | None = None
    key_variable: str | None = None
    env_file: str = ".env"
    adapter: str | None = None
    model_dialects: tuple[tuple[str, str], ...] = ()
    own_dialects: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    key_headers: Mapping[str, str] = field(default_factory=dict)
    session_header: str | None = None
    known_to_think: str | None = None
    suffix: str | None = None
    stripped_endings: tuple[str, ...] = ()
    endpoint: Endpoint = "chat"
    plans: Mapping[str, str] = field(default_factory=dict)
    plan_dialects: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    plan: str | None = None
    honours_format: bool = True
    counts_tokens: bool = False
    prefill: bool = False
    prefill_fields: Mapping[str, Any] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    model_drops: tuple[tuple[str, tuple[str, ...]], ...] = ()
    default_max_tokens: int = 32_000
    renames: Mapping[str, str] = field(default_factory=dict)
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    content_as_text: bool = False
    tools_only_functions: bool = False
    takes_top_k: bool = False
    returns_reasoning: Literal["reasoning_content", "reasoning"] | None = None
    developer_as_system: bool = False
    upstream_stream: bool | Literal["auto"] = "auto"
    timeouts: Timeouts = Timeouts()
    excluded: str | None = None

    @property
    def prefix(self) -> str:
        """The beginning of a model's name that routes to this provider."""
        return f"{self.name}/"

    def url(self, dialect: str, path: str) -> str:
        """Return the URL of a path such as `/messages` in one of the provider's dialects."""
        return f"{self.base_url}{self.paths.get(dialect, '')}{path}"

    def can_think(self, model: str) -> bool:
        """Return whether the model is known to think; `model` is the provider's name for it."""
        known = self.known_to_think
        return known is not None and re.match(known, model) is not None


# Ollama serves both APIs below /v1. Translation to its own keeps more, so that a row asks for them
# only where chatd.toml has `own_dialects` (docs/decisions/0042-dialects-per-model.md).
_OLLAMA_PATHS: Mapping[str, str] = MappingProxyType(
    {"anthropic_messages": "/v1", "openai_responses": "/v1"}
)
# https://github.com/ollama/ollama/blob/main/docs/capabilities/thinking.mdx
_OLLAMA_THINKING = r"gpt-oss|deepseek-r1|deepseek-v3\.1|qwen3(:|$)"
# The models that `/chat/completions` does not serve, by plan, as of autumn 2026:
# https://github.com/anomalyco/opencode/blob/dev/packages/web/src/content/docs/zen.mdx
# https://github.com/anomalyco/opencode/blob/dev/packages/web/src/content/docs/go.mdx
# It serves Google's models there too, besides Google's own API.
_OPENCODE: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "zen": (
            ("gpt-", "openai_responses"),
            (r"claude|qwen-?3\.[5-7]", "anthropic_messages"),
        ),
        "go": (
            (r"grok-4\.5|gpt-5\.6-luna|muse-spark", "openai_responses"),
            (r"minimax-m(2\.5|2\.7|3)|qwen-?3\.[6-8]", "anthropic_messages"),
        ),
    }
)

_ROWS = (
    # https://github.com/ollama/ollama/blob/main/docs/api.md
    Provider(
        name="ollama",
        dialect="ollama",
        base_url="http://localhost:11434",
        base_url_variable="OLLAMA_URL",
        paths=_OLLAMA_PATHS,
        known_to_think=_OLLAMA_THINKING,
        prefill=True,  # https://github.com/ollama/ollama/issues/6778
        timeouts=limits_of("ollama"),
    ),
    # https://github.com/ollama/ollama/blob/main/docs/cloud.mdx
    Provider(
        name="ollama_cloud",
        dialect="ollama",
        base_url="https://ollama.com",
        base_url_variable="OLLAMA_CLOUD_BASE_URL",
        key_variable="OLLAMA_API_KEY",
        suffix=":cloud",
        stripped_endings=(":cloud", "-cloud"),
        endpoint="auto",
        paths=_OLLAMA_PATHS,
        known_to_think=_OLLAMA_THINKING,
        # https://github.com/ollama/ollama/blob/main/docs/capabilities/structured-outputs.mdx
        honours_format=False,
        timeouts=limits_of("ollama"),
    ),
    # https://openrouter.ai/docs/api-reference/overview
    Provider(
        name="openrouter",
        dialect="openai_chat",
        adapter="openrouter",
        base_url="https://openrouter.ai/api/v1",
        base_url_variable="OPENROUTER_BASE_URL",
        key_variable="OPENROUTER_API_KEY",
        # https://openrouter.ai/docs/api-reference/anthropic-messages and
        # https://openrouter.ai/docs/api-reference/responses-api/overview
        own_dialects=("anthropic_messages", "openai_responses"),
        known_to_think=".*",  # it leaves the hint out for a model without thinking
        takes_top_k=True,  # https://openrouter.ai/docs/api-reference/parameters
        returns_reasoning="reasoning",  # https://openrouter.ai/docs/use-cases/reasoning-tokens
        # "Assistant Prefill" on https://openrouter.ai/docs/api-reference/overview
        prefill=True,
    ),
    # https://opencode.ai/docs/zen and https://opencode.ai/docs/go
    Provider(
        name="opencode",
        dialect="openai_chat",
        base_url="https://opencode.ai/zen/v1",
        base_url_variable="OPENCODE_BASE_URL",
        key_variable="OPENCODE_API_KEY",
        plans={"zen": "https://opencode.ai/zen/v1", "go": "https://opencode.ai/zen/go/v1"},
        plan="zen",
        model_dialects=_OPENCODE["zen"],
        plan_dialects=_OPENCODE,
        key_headers=key_headers_of("anthropic_messages"),
        session_header="x-opencode-session",
        known_to_think=r"gpt-(?!5-chat)[5-9]|claude",
        returns_reasoning="reasoning_content",
    ),
    # https://developers.openai.com/api/reference
    Provider(
        name="openai",
        dialect="openai_chat",
        base_url="https://api.openai.com/v1",
        base_url_variable="OPENAI_BASE_URL",
        key_variable="OPENAI_API_KEY",
        # Models without /chat/completions:
        # https://github.com/openai/openai-python/blob/main/src/openai/types/shared/all_models.py
        # From GPT-5.4 on, models take no tools there beside an effort:
        # https://github.com/openai/openai-openapi/issues/541
        model_dialects=(
            (r"gpt-5.*-(pro|codex)|gpt-5\.[4-9]|gpt-[6-9]|codex-", "openai_responses"),
            (r"o[1-9].*-(pro|deep-research)|computer-use", "openai_responses"),
            (r"gpt-(daybreak|rosalind)", "openai_responses"),
        ),
        own_dialects=("openai_responses",),
        known_to_think=r"o[1-9](-|$)|codex-|gpt-(?!5-chat)[5-9]",
        max_tokens_name="max_completion_tokens",  # reasoning models refuse `max_tokens`
        # A model may think for minutes before its first word.
        timeouts=Timeouts(first_event=600.0, gap=120.0),
    ),
    # https://www.kimi.com/code/docs/en/
    Provider(
        name="kimi",
        dialect="openai_chat",
        adapter="kimi",
        base_url="https://api.kimi.com/coding/v1",
        base_url_variable="KIMI_BASE_URL",
        key_variable="KIMI_API_KEY",
        # https://www.kimi.com/code/docs/en/more/third-party-agents.html
        own_dialects=("anthropic_messages",),
        known_to_think=".*",
        # Each model has one temperature: https://github.com/MoonshotAI/Kimi-K2/issues/124
        drops=("temperature",),
        returns_reasoning="reasoning_content",
        prefill=True,  # https://platform.kimi.ai/docs/api/partial
        prefill_fields={"partial": True},
    ),
    # https://platform.claude.com/docs/en/api/overview
    Provider(
        name="anthropic",
        dialect="anthropic_messages",
        base_url="https://api.anthropic.com/v1",
        base_url_variable="ANTHROPIC_BASE_URL",
        key_variable="ANTHROPIC_API_KEY",
        key_headers=key_headers_of("anthropic_messages"),
        counts_tokens=True,
    ),
)

CATALOG: Mapping[str, Provider] = MappingProxyType({row.name: row for row in _ROWS})
