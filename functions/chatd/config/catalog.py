"""The catalog of providers, one row each. To add a provider, add a row.

The catalog takes a provider whose dialect is known and whose facts have a link. Its name is also
its prefix and a metric's dimension.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chatd.config.provider import Provider, Timeouts, key_headers_of, limits_of

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
        variants={"openai_chat": "kimi"},
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
