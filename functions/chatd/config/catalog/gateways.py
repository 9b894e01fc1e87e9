"""The rows of Ollama, and of the gateways to many vendors' models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chatd.config.provider import Provider, key_headers_of, limits_of

# Ollama serves both APIs below /v1. Translation to its own keeps more, so a row uses them only
# where chatd.toml has `own_dialects` (docs/decisions/0042-dialects-per-model.md).
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

ROWS = (
    Provider(
        name="ollama",
        dialect="ollama",
        base_url="http://localhost:11434",
        base_url_variable="OLLAMA_URL",
        paths=_OLLAMA_PATHS,
        known_to_think=_OLLAMA_THINKING,
        prefill=True,  # https://github.com/ollama/ollama/issues/6778
        timeouts=limits_of("ollama"),
        source="https://github.com/ollama/ollama/blob/main/docs/api.md",
        checked="2026-11-25",
    ),
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
        source="https://github.com/ollama/ollama/blob/main/docs/cloud.mdx",
        checked="2026-11-25",
    ),
    Provider(
        name="openrouter",
        dialect="openai_chat",
        variants={"openai_chat": "openrouter"},
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
        completions="template",  # a chat model gets the prompt as a user's turn
        source="https://openrouter.ai/docs/api-reference/overview",
        checked="2026-11-25",
    ),
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
        completions="none",  # its pages list three chat APIs and Google's
        embeddings=False,
        source="https://opencode.ai/docs/zen",  # and https://opencode.ai/docs/go
        checked="2026-11-25",
    ),
)
