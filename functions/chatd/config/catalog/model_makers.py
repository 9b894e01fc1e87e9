"""The rows of vendors that serve their own models."""

from __future__ import annotations

from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider, Timeouts, key_headers_of

OPENAI = Provider(
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
    model_drops=(
        # https://community.openai.com/t/gpt-5-models-temperature/1337957, and `stop`:
        # https://github.com/BerriAI/litellm/pull/15244
        (
            r"gpt-5(-mini|-nano)?(-\d|$)|o[1-9]",
            (
                *("temperature", "top_p", "presence_penalty", "frequency_penalty", "stop"),
                *("logprobs", "top_logprobs", "logit_bias"),
            ),
        ),
        # https://github.com/AAswordman/Operit/issues/1048
        (r"gpt-(3|4)|chatgpt-4", ("reasoning_effort",)),
    ),
    # A model may think for minutes before its first word.
    timeouts=Timeouts(first_event=600.0, gap=120.0),
    # https://developers.openai.com/api/reference/resources/embeddings
    embeddings=EmbeddingsApi("openai", tokens=True),
    source="https://developers.openai.com/api/reference",
    checked="2026-11-25",
)

ROWS = (
    OPENAI,
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
        refuses=("empty_content",),  # "text content is empty"
        returns_reasoning="reasoning_content",
        prefill=True,  # https://platform.kimi.ai/docs/api/partial
        prefill_fields={"partial": True},
        embeddings=False,
        source="https://www.kimi.com/code/docs/en/",
        checked="2026-11-25",
    ),
    Provider(
        name="anthropic",
        dialect="anthropic_messages",
        base_url="https://api.anthropic.com/v1",
        base_url_variable="ANTHROPIC_BASE_URL",
        key_variable="ANTHROPIC_API_KEY",
        key_headers=key_headers_of("anthropic_messages"),
        counts_tokens=True,
        source="https://platform.claude.com/docs/en/api/overview",
        checked="2026-11-25",
    ),
    Provider(
        name="gemini",
        dialect="openai_chat",
        variants={"openai_chat": "gemini"},
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        base_url_variable="GEMINI_BASE_URL",
        key_variable="GEMINI_API_KEY",
        known_to_think=r"(models/)?(gemini-(2\.5|[3-9]|.*latest)|gemma-4)",
        efforts=("none", "minimal", "low", "medium", "high"),
        # Any other field is a 400 "Unknown name": https://github.com/ed-donner/agents/issues/45 and
        # https://github.com/jackmpcollins/magentic/pull/382; `frequency_penalty` and `seed`:
        # https://github.com/sleepydeer666/RPGBox/issues/2 and
        # https://github.com/Vali-98/ChatterUI/issues/227
        takes_only=(
            *("model", "messages", "stream", "stream_options", "n", "max_tokens", "temperature"),
            *("max_completion_tokens", "top_p", "stop", "presence_penalty", "tools", "tool_choice"),
            *("response_format", "reasoning_effort", "modalities", "audio"),
            *("logprobs", "top_logprobs", "extra_body"),
        ),
        refuses=("parallel_tool_calls",),
        tool_schema_drops=("$schema", "$id"),
        # https://ai.google.dev/api/embeddings#method:-models.batchembedcontents
        embeddings=EmbeddingsApi("openai", batch=100),
        completions="none",
        source="https://ai.google.dev/gemini-api/docs/openai",
        checked="2026-11-25",
    ),
    Provider(
        name="mistral",
        dialect="openai_chat",
        base_url="https://api.mistral.ai/v1",
        base_url_variable="MISTRAL_BASE_URL",
        key_variable="MISTRAL_API_KEY",
        # https://docs.mistral.ai/capabilities/reasoning
        known_to_think=r"magistral|mistral-(medium|small|large-4|vibe)|(zai-)?glm",
        efforts=("none", "high"),
        max_tokens_name="max_tokens",
        renames={"seed": "random_seed"},
        # Any other field is a 422 "Extra inputs are not permitted", also in a turn:
        # https://github.com/mistralai/platform-docs-public/blob/main/openapi.yaml,
        # https://github.com/charmbracelet/crush/issues/1590 and
        # https://github.com/dnakov/anon-kode/issues/53
        takes_only=(
            *("model", "messages", "stream", "max_tokens", "temperature", "top_p", "stop", "n"),
            *("random_seed", "presence_penalty", "frequency_penalty", "response_format", "tools"),
            *("tool_choice", "parallel_tool_calls", "prediction", "prompt_mode", "safe_prompt"),
            *("reasoning_effort", "metadata", "guardrails", "prompt_cache_key"),
        ),
        turn_fields={
            "system": ("role", "content"),
            "user": ("role", "content"),
            "assistant": ("role", "content", "tool_calls", "prefix"),
            "tool": ("role", "content", "name", "tool_call_id"),
        },
        refuses=("nulls", "empty_content", "stream_options"),
        tools_only_functions=True,
        # https://docs.mistral.ai/capabilities/function_calling
        tool_choices={"required": "any"},
        tool_schema_drops=("$schema", "$id", "additionalProperties", "strict"),
        call_id_length=9,  # https://github.com/mistralai/mistral-vibe/issues/1075
        developer_as_system=True,
        prefill=True,
        prefill_fields={"prefix": True},
        # https://docs.mistral.ai/api/endpoint/embeddings, and for the limit
        # https://docs.rs/crate/rig-core/0.42.0/source/src/providers/mistral/embedding.rs
        embeddings=EmbeddingsApi(
            "openai", batch=256, drops=("user",), renames={"dimensions": "output_dimension"}
        ),
        completions="none",
        source="https://docs.mistral.ai/api",
        checked="2026-11-26",
    ),
    Provider(
        name="deepseek",
        dialect="openai_chat",
        base_url="https://api.deepseek.com",
        base_url_variable="DEEPSEEK_BASE_URL",
        key_variable="DEEPSEEK_API_KEY",
        # https://api-docs.deepseek.com/guides/anthropic_api
        own_dialects=("anthropic_messages",),
        paths={"anthropic_messages": "/anthropic/v1"},
        # https://api-docs.deepseek.com/guides/thinking_mode
        known_to_think=r"deepseek-(flash|reasoner|v4)",
        thinking_fields=("thinking", "reasoning_effort"),
        efforts=("high", "max"),
        returns_reasoning="reasoning_content",
        # https://github.com/deepseek-ai/DeepSeek-V3/issues/1376
        refuses=("images", "missing_reasoning", "tool_choice_while_thinking"),
        schema_models="(?!)",  # https://api-docs.deepseek.com/guides/json_mode
        max_tokens_name="max_tokens",
        content_as_text=True,
        tools_only_functions=True,
        developer_as_system=True,
        embeddings=False,
        completions="none",
        source="https://api-docs.deepseek.com/api/create-chat-completion",
        checked="2026-11-26",
    ),
    Provider(
        name="xai",
        dialect="openai_chat",
        base_url="https://api.x.ai/v1",
        base_url_variable="XAI_BASE_URL",
        key_variable="XAI_API_KEY",
        own_dialects=("openai_responses",),
        known_to_think=r"grok-(3-mini|4\.[3-9]|4\.20(?!.*non-reasoning)|code|build)",
        efforts=("low", "medium", "high", "xhigh"),
        # https://docs.x.ai/docs/guides/reasoning
        model_drops=(
            # It thinks or does not, without efforts: https://github.com/BerriAI/litellm/pull/16265
            (
                r"grok-4(?!\.[3-9])(?!.*multi-agent)",
                ("stop", "presence_penalty", "frequency_penalty", "reasoning_effort"),
            ),
            ("grok-3-mini", ("stop", "presence_penalty", "frequency_penalty")),
            ("grok-(4|code|build)", ("stop", "presence_penalty", "frequency_penalty")),
        ),
        source="https://docs.x.ai/docs/api-reference",
        checked="2026-11-25",
    ),
    Provider(
        name="cohere",
        dialect="openai_chat",
        base_url="https://api.cohere.ai/compatibility/v1",
        base_url_variable="COHERE_BASE_URL",
        key_variable="COHERE_API_KEY",
        known_to_think=r"command-a-(reasoning|plus)",
        efforts=("none", "high"),
        max_tokens_name="max_tokens",
        drops=(
            *("n", "logit_bias", "top_logprobs", "store", "metadata"),
            *("service_tier", "modalities", "prediction", "audio", "user"),
        ),
        # Its own API has REQUIRED and NONE: https://docs.cohere.com/reference/chat
        refuses=("stream_options", "model_list", "named_tool", "parallel_tool_calls"),
        # https://github.com/OpenRouterTeam/openrouter-examples/issues/71
        tool_schema_drops=("strict",),
        tools_only_functions=True,
        # https://docs.cohere.com/reference/embed
        embeddings=EmbeddingsApi("openai", batch=96),
        completions="none",
        source="https://docs.cohere.com/docs/compatibility-api",
        checked="2026-11-26",
    ),
    Provider(
        name="perplexity",
        dialect="openai_chat",
        base_url="https://api.perplexity.ai",
        base_url_variable="PERPLEXITY_BASE_URL",
        key_variable="PERPLEXITY_API_KEY",
        known_to_think="sonar-(reasoning|deep-research)",
        # https://github.com/perplexityai/api-discussion/issues/265
        refuses=("tools", "consecutive_turns", "model_list"),
        drops=("n", "logit_bias", "logprobs", "top_logprobs", "seed"),
        developer_as_system=True,
        embeddings=False,  # its vectors are int8, in base64 alone
        completions="none",
        source="https://docs.perplexity.ai/api-reference/chat-completions-post",
        checked="2026-11-26",
    ),
    Provider(
        name="zai",
        dialect="openai_chat",
        base_url="https://api.z.ai/api",
        base_url_variable="ZAI_BASE_URL",
        key_variable="ZAI_API_KEY",
        # The coding plan has `/coding/paas/v4`, China https://open.bigmodel.cn/api.
        # https://docs.z.ai/scenario-example/develop-tools/claude
        paths={"openai_chat": "/paas/v4", "anthropic_messages": "/anthropic/v1"},
        own_dialects=("anthropic_messages",),
        known_to_think=r"glm-(4\.[5-9]|[5-9])",
        thinking_fields=("thinking",),  # https://docs.z.ai/guides/capabilities/thinking-mode
        max_tokens_name="max_tokens",
        max_temperature=1.0,
        drops=("frequency_penalty", "presence_penalty", "seed", "n", "logit_bias", "logprobs"),
        refuses=("tool_choice",),  # only `auto`
        schema_models="(?!)",
        tools_only_functions=True,
        returns_reasoning="reasoning_content",
        developer_as_system=True,
        # https://docs.bigmodel.cn/api-reference
        embeddings=EmbeddingsApi("openai", batch=64),
        completions="none",
        source="https://docs.z.ai/api-reference/llm/chat-completion",
        checked="2026-11-26",
    ),
    # Its chat API puts thinking into the text.
    Provider(
        name="minimax",
        dialect="anthropic_messages",
        base_url="https://api.minimax.io/anthropic/v1",
        base_url_variable="MINIMAX_BASE_URL",
        key_variable="MINIMAX_API_KEY",
        key_headers=key_headers_of("anthropic_messages"),
        known_to_think="MiniMax-M",
        drops=("top_k", "stop_sequences", "service_tier", "context_management", "container"),
        refuses=("tool_choice",),
        schema_models="(?!)",
        honours_format=False,
        max_temperature=1.0,
        embeddings=False,  # its own API
        completions="none",
        source="https://platform.minimax.io/docs/api-reference/text-anthropic-api",
        checked="2026-11-26",
    ),
    Provider(
        name="moonshot",
        dialect="openai_chat",
        base_url="https://api.moonshot.ai",
        base_url_variable="MOONSHOT_BASE_URL",
        key_variable="MOONSHOT_API_KEY",
        # China has https://api.moonshot.cn.
        # https://platform.moonshot.ai/docs/guide/agent-support
        paths={"openai_chat": "/v1", "anthropic_messages": "/anthropic/v1"},
        own_dialects=("anthropic_messages",),
        known_to_think=r"kimi-k(2\.[5-9]|2-thinking|[3-9])",
        thinking_fields=("thinking",),
        max_tokens_name="max_tokens",
        max_temperature=1.0,
        # "only 1 is allowed for this model": https://github.com/BerriAI/litellm/pull/29687
        model_drops=(
            (
                r"kimi-k(2\.[5-9]|2-thinking|[3-9])",
                ("temperature", "top_p", "presence_penalty", "frequency_penalty", "n"),
            ),
        ),
        # https://github.com/can1357/oh-my-pi/issues/1077 and
        # https://github.com/continuedev/continue/issues/11600
        refuses=("empty_content", "missing_reasoning", "tool_choice_while_thinking"),
        tools_only_functions=True,
        returns_reasoning="reasoning_content",
        prefill=True,  # https://platform.moonshot.ai/docs/api/partial
        prefill_fields={"partial": True},
        completions="none",
        source="https://platform.moonshot.ai/docs/api/chat",
        checked="2026-11-26",
        embeddings=False,
    ),
    Provider(
        name="dashscope",
        dialect="openai_chat",
        # China has https://dashscope.aliyuncs.com/compatible-mode/v1.
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        base_url_variable="DASHSCOPE_BASE_URL",
        key_variable="DASHSCOPE_API_KEY",
        # https://www.alibabacloud.com/help/en/model-studio/deep-thinking
        known_to_think=r"qwen-?(3(?!.*instruct)|plus|flash|turbo|max)|qwq|deepseek-(r1|v[34])|glm",
        thinking_fields=("enable_thinking",),
        upstream_stream=True,  # a thinking model refuses anything else
        refuses=("tool_choice_while_thinking",),
        returns_reasoning="reasoning_content",
        developer_as_system=True,
        # https://www.alibabacloud.com/help/en/model-studio/text-embedding-synchronous-api
        embeddings=EmbeddingsApi("openai", batch=10, base64=False),
        source="https://www.alibabacloud.com/help/en/model-studio/use-qwen-by-calling-api",
        checked="2026-11-26",
    ),
)
