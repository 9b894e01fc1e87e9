"""The rows of vendors that serve their own models."""

from __future__ import annotations

from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider, Timeouts, key_headers_of

ROWS = (
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
        # https://developers.openai.com/api/reference/resources/embeddings
        embeddings=EmbeddingsApi("openai", tokens=True),
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
        completions="none",  # https://www.kimi.com/code/docs/en/more/third-party-agents.html
        # Each model has one temperature: https://github.com/MoonshotAI/Kimi-K2/issues/124
        drops=("temperature",),
        returns_reasoning="reasoning_content",
        prefill=True,  # https://platform.kimi.ai/docs/api/partial
        prefill_fields={"partial": True},
        embeddings=False,
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
    # https://ai.google.dev/gemini-api/docs/openai, read on 2026-11-25
    Provider(
        name="gemini",
        dialect="openai_chat",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        base_url_variable="GEMINI_BASE_URL",
        key_variable="GEMINI_API_KEY",
        known_to_think=r"gemini-(2\.5|[3-9]|.*latest)|gemma-4",
        # https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
        embeddings=EmbeddingsApi("openai", batch=100),
    ),
    # https://docs.mistral.ai/api, read on 2026-11-25
    Provider(
        name="mistral",
        dialect="openai_chat",
        base_url="https://api.mistral.ai/v1",
        base_url_variable="MISTRAL_BASE_URL",
        key_variable="MISTRAL_API_KEY",
        known_to_think=r"magistral|mistral-(medium|small|large-4)|(zai-)?glm",
        max_tokens_name="max_tokens",
        renames={"seed": "random_seed"},
        drops=("logit_bias", "logprobs", "top_logprobs", "user", "store"),
        tools_only_functions=True,
        # https://docs.mistral.ai/api/endpoint/embeddings, and for the limit
        # https://docs.rs/crate/rig-core/0.42.0/source/src/providers/mistral/embedding.rs
        embeddings=EmbeddingsApi("openai", batch=256, renames={"dimensions": "output_dimension"}),
    ),
    # https://api-docs.deepseek.com/api/create-chat-completion, read on 2026-11-25
    Provider(
        name="deepseek",
        dialect="openai_chat",
        base_url="https://api.deepseek.com/v1",
        base_url_variable="DEEPSEEK_BASE_URL",
        key_variable="DEEPSEEK_API_KEY",
        known_to_think=r"deepseek-(flash|reasoner|v4)",
        max_tokens_name="max_tokens",
        tools_only_functions=True,
        returns_reasoning="reasoning_content",
        embeddings=False,
    ),
    # https://docs.x.ai/docs/api-reference, read on 2026-11-25
    Provider(
        name="xai",
        dialect="openai_chat",
        base_url="https://api.x.ai/v1",
        base_url_variable="XAI_BASE_URL",
        key_variable="XAI_API_KEY",
        own_dialects=("openai_responses",),
        known_to_think=r"grok-(3-mini|4\.[3-9])",
    ),
    # https://docs.cohere.com/docs/compatibility-api, read on 2026-11-25
    Provider(
        name="cohere",
        dialect="openai_chat",
        base_url="https://api.cohere.ai/compatibility/v1",
        base_url_variable="COHERE_BASE_URL",
        key_variable="COHERE_API_KEY",
        known_to_think=r"command-a-(reasoning|plus)",
        max_tokens_name="max_tokens",
        drops=("n", "logit_bias"),
        tools_only_functions=True,
        # https://docs.cohere.com/reference/embed
        embeddings=EmbeddingsApi("openai", batch=96),
    ),
    # https://docs.perplexity.ai/api-reference/chat-completions-post, read on 2026-11-25
    Provider(
        name="perplexity",
        dialect="openai_chat",
        base_url="https://api.perplexity.ai",
        base_url_variable="PERPLEXITY_BASE_URL",
        key_variable="PERPLEXITY_API_KEY",
        known_to_think="sonar-(reasoning|deep-research)",
        embeddings=False,  # its vectors are int8, in base64 alone
    ),
    # https://docs.z.ai/api-reference/llm/chat-completion, read on 2026-11-25
    Provider(
        name="zai",
        dialect="openai_chat",
        base_url="https://api.z.ai/api/paas/v4",
        base_url_variable="ZAI_BASE_URL",
        key_variable="ZAI_API_KEY",
        known_to_think=r"glm-(4\.[5-9]|[5-9])",
        max_tokens_name="max_tokens",
        drops=("frequency_penalty", "presence_penalty", "seed"),
        tools_only_functions=True,
        returns_reasoning="reasoning_content",
        # https://docs.bigmodel.cn/api-reference
        embeddings=EmbeddingsApi("openai", batch=64),
    ),
    # https://platform.minimax.io/docs/api-reference/text-openai-api, read on 2026-11-25
    Provider(
        name="minimax",
        dialect="openai_chat",
        base_url="https://api.minimax.io/v1",
        base_url_variable="MINIMAX_BASE_URL",
        key_variable="MINIMAX_API_KEY",
        known_to_think="MiniMax-M",
        embeddings=False,  # its own API
    ),
    # https://platform.moonshot.ai/docs/api/chat, read on 2026-11-25
    Provider(
        name="moonshot",
        dialect="openai_chat",
        base_url="https://api.moonshot.ai/v1",
        base_url_variable="MOONSHOT_BASE_URL",
        key_variable="MOONSHOT_API_KEY",
        known_to_think=r"kimi-k(2\.[5-9]|2-thinking|[3-9])",
        max_tokens_name="max_tokens",
        tools_only_functions=True,
        returns_reasoning="reasoning_content",
        prefill=True,  # https://platform.moonshot.ai/docs/api/partial
        prefill_fields={"partial": True},
    ),
    # https://www.alibabacloud.com/help/en/model-studio/use-qwen-by-calling-api, read on 2026-11-25
    Provider(
        name="dashscope",
        dialect="openai_chat",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        base_url_variable="DASHSCOPE_BASE_URL",
        key_variable="DASHSCOPE_API_KEY",
        known_to_think=r"qwen|qwq|deepseek-(r1|v[34])|glm|kimi-k",
        returns_reasoning="reasoning_content",
        # https://www.alibabacloud.com/help/en/model-studio/text-embedding-synchronous-api
        embeddings=EmbeddingsApi("openai", batch=10, base64=False),
    ),
)
