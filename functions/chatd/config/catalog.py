"""The providers, one row each: this is the file to edit when a provider is added.

A row says where a provider is, which dialect it speaks and which key it wants; how a dialect is
spoken is the dialects' knowledge, and what a deployment changes of a row is chatd.toml's.

A provider is admitted when it speaks a known dialect, or with the adapter file of a new one, and
when its facts have a link. Its name is also its prefix, and a metric's dimension.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Endpoint = Literal["chat", "generate", "auto"]


@dataclass(frozen=True, slots=True, eq=False)
class Timeouts:
    """Limits in seconds.

    Attributes:
        connect: For the connection to stand: all addresses and TLS together.
        silence: Without a single byte before the first event of a stream.
        silence_with_fallback: The same where another model can be asked instead.
        first_event: For the first event of a stream, whatever else comes before it.
        gap: Between two chunks of a stream.
        total: For the whole call, counted from its start. None: WHOLE_SECONDS for a whole answer,
            and for a stream no more than the route allows.

    """

    connect: float = 5.0
    silence: float = 60.0
    silence_with_fallback: float = 10.0
    first_event: float = 120.0
    gap: float = 30.0
    total: float | None = None


# API Gateway cuts a connection that carries no byte for 300 s, as one with a whole answer does:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
WHOLE_SECONDS = 285.0

_LIMITS: Mapping[str, Timeouts] = MappingProxyType(
    {"ollama": Timeouts(silence=120.0)}  # it may be loading a model
)


def limits_of(dialect: str) -> Timeouts:
    """The default limits of a provider of this dialect."""
    return _LIMITS.get(dialect, Timeouts())


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A provider's row.

    Attributes:
        name: Its name; `<name>/` is the prefix that routes to it.
        dialect: What it speaks; a key of `dialects.DIALECTS`.
        base_url: Where it is, without a slash at the end; up to and including `/v1` for OpenAI's.
        base_url_variable: The environment variable that overrides `base_url`.
        key_variable: Its key's name in the secret, the environment and .env; None: needs no key.
        env_file: The .env file that its key is looked up in last.
        adapter: A key of `dialects.DIALECTS` where the vendor departs from the dialect.
        suffix: An ending of a model's name that routes to it too.
        stripped_endings: Endings that are taken off a model's name before the provider sees it.
        endpoint: For Ollama's dialect: `/api/chat`, `/api/generate`, or what can carry the chat.
        plans: Base URLs by plan, where the provider sells several.
        plan: The plan in force.
        honours_format: Whether it holds its answers to the format that it was asked for.
        prefill: Whether it continues an assistant's turn that the conversation ends with.
        prefill_fields: Fields of such a turn that ask it to, where the vendor wants one.
        drops: Fields of a request that the provider refuses; they are left out and named.
        renames: The provider's names for fields of a request, by OpenAI's names.
        max_tokens_name: The one limit that it takes, `max_tokens` or `max_completion_tokens`;
            None: as the caller sends it.
        content_as_text: Whether a message's content must be a text and not a list of parts.
        tools_only_functions: Whether it refuses tools of other kinds than functions; they are
            left out and named.
        returns_reasoning: The field in which it takes an assistant's reasoning back,
            `reasoning_content` or `reasoning`; None: as the caller sends it.
        developer_as_system: Whether a `developer` turn goes to it as a `system` turn, which chat
            templates of open models know instead.
        upstream_stream: Whether it streams also for a caller that does not. `auto`: only where
            another model can take over, since a stream tells silence from slowness; a complete
            answer is often the richer one, and only `connect` and `total` limit it.
        timeouts: Its limits.
        excluded: Why this deployment does not have it, as a sentence; None: it does.

    """

    name: str
    dialect: str
    base_url: str
    base_url_variable: str | None = None
    key_variable: str | None = None
    env_file: str = ".env"
    adapter: str | None = None
    suffix: str | None = None
    stripped_endings: tuple[str, ...] = ()
    endpoint: Endpoint = "chat"
    plans: Mapping[str, str] = field(default_factory=dict)
    plan: str | None = None
    honours_format: bool = True
    prefill: bool = False
    prefill_fields: Mapping[str, Any] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    content_as_text: bool = False
    tools_only_functions: bool = False
    returns_reasoning: Literal["reasoning_content", "reasoning"] | None = None
    developer_as_system: bool = False
    upstream_stream: bool | Literal["auto"] = "auto"
    timeouts: Timeouts = Timeouts()
    excluded: str | None = None

    @property
    def prefix(self) -> str:
        """What a model's name begins with to reach this provider."""
        return f"{self.name}/"


_ROWS = (
    # https://github.com/ollama/ollama/blob/main/docs/api.md
    Provider(
        name="ollama",
        dialect="ollama",
        base_url="http://localhost:11434",
        base_url_variable="OLLAMA_URL",
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
        returns_reasoning="reasoning",  # https://openrouter.ai/docs/use-cases/reasoning-tokens
        # "Assistant Prefill" on https://openrouter.ai/docs/api-reference/overview
        prefill=True,
    ),
    # https://opencode.ai/docs/zen and https://opencode.ai/docs/go
    Provider(
        name="opencode",
        dialect="openai_chat",
        adapter="opencode",
        base_url="https://opencode.ai/zen/v1",
        base_url_variable="OPENCODE_BASE_URL",
        key_variable="OPENCODE_API_KEY",
        plans={"zen": "https://opencode.ai/zen/v1", "go": "https://opencode.ai/zen/go/v1"},
        plan="zen",
        returns_reasoning="reasoning_content",
    ),
    # https://www.kimi.com/code/docs/en/
    Provider(
        name="kimi",
        dialect="openai_chat",
        adapter="kimi",
        base_url="https://api.kimi.com/coding/v1",
        base_url_variable="KIMI_BASE_URL",
        key_variable="KIMI_API_KEY",
        # Each model has one temperature: https://github.com/MoonshotAI/Kimi-K2/issues/124
        drops=("temperature",),
        returns_reasoning="reasoning_content",
        prefill=True,  # https://platform.kimi.ai/docs/api/partial
        prefill_fields={"partial": True},
    ),
)

CATALOG: Mapping[str, Provider] = MappingProxyType({row.name: row for row in _ROWS})
