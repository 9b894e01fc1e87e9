"""The rows of clouds and hosts that serve the models of other vendors."""

from __future__ import annotations

from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider

# Open models that think, as hosts name them, with or without the vendor before a slash.
_OPEN_THINKING = (
    r"(?i)(.*/)?(gpt-oss|deepseek-(r1|v3[.p][1-9]|v4)|qwen-?3(?!.*instruct)|qwq|glm-(4[.p][5-9]|[5-9])"
    r"|kimi-k(2-thinking|2[.p][5-9]|[3-9])|minimax-m|nemotron-3)"
)

ROWS = (
    # https://console.groq.com/docs/openai, read on 2026-11-25
    Provider(
        name="groq",
        dialect="openai_chat",
        base_url="https://api.groq.com/openai/v1",
        base_url_variable="GROQ_BASE_URL",
        key_variable="GROQ_API_KEY",
        known_to_think=_OPEN_THINKING,
        embeddings=False,
    ),
    # https://docs.together.ai/docs/openai-api-compatibility, read on 2026-11-25
    Provider(
        name="together",
        dialect="openai_chat",
        base_url="https://api.together.xyz/v1",
        base_url_variable="TOGETHER_BASE_URL",
        key_variable="TOGETHER_API_KEY",
        known_to_think=_OPEN_THINKING,
        returns_reasoning="reasoning_content",
    ),
    # https://docs.fireworks.ai/tools-sdks/openai-compatibility, read on 2026-11-25
    Provider(
        name="fireworks",
        dialect="openai_chat",
        base_url="https://api.fireworks.ai/inference/v1",
        base_url_variable="FIREWORKS_BASE_URL",
        key_variable="FIREWORKS_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
    ),
    # https://inference-docs.cerebras.ai/api-reference/chat-completions, read on 2026-11-25
    Provider(
        name="cerebras",
        dialect="openai_chat",
        base_url="https://api.cerebras.ai/v1",
        base_url_variable="CEREBRAS_BASE_URL",
        key_variable="CEREBRAS_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        drops=("frequency_penalty", "presence_penalty", "logit_bias", "n"),
        embeddings=False,
    ),
    # https://docs.sambanova.ai/docs/en/features/openai-compatibility, read on 2026-11-25
    Provider(
        name="sambanova",
        dialect="openai_chat",
        base_url="https://api.sambanova.ai/v1",
        base_url_variable="SAMBANOVA_BASE_URL",
        key_variable="SAMBANOVA_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        content_as_text=True,
    ),
    # https://deepinfra.com/docs/openai_api, read on 2026-11-25
    Provider(
        name="deepinfra",
        dialect="openai_chat",
        base_url="https://api.deepinfra.com/v1/openai",
        base_url_variable="DEEPINFRA_BASE_URL",
        key_variable="DEEPINFRA_API_KEY",
        known_to_think=_OPEN_THINKING,
    ),
    # https://docs.api.nvidia.com/nim/reference/llm-apis, read on 2026-11-25
    Provider(
        name="nvidia",
        dialect="openai_chat",
        base_url="https://integrate.api.nvidia.com/v1",
        base_url_variable="NVIDIA_BASE_URL",
        key_variable="NVIDIA_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        # https://docs.nvidia.com/nim/nemo-retriever/text-embedding/2.0.0/use-the-api-openai.html
        embeddings=EmbeddingsApi("openai", fields={"input_type": "passage"}),
    ),
    # https://docs.tokenfactory.nebius.com, read on 2026-11-25
    Provider(
        name="nebius",
        dialect="openai_chat",
        base_url="https://api.tokenfactory.nebius.com/v1",
        base_url_variable="NEBIUS_BASE_URL",
        key_variable="NEBIUS_API_KEY",
        known_to_think=_OPEN_THINKING,
    ),
    # https://docs.siliconflow.com/en/api-reference/chat-completions, read on 2026-11-25
    Provider(
        name="siliconflow",
        dialect="openai_chat",
        base_url="https://api.siliconflow.com/v1",
        base_url_variable="SILICONFLOW_BASE_URL",
        key_variable="SILICONFLOW_API_KEY",
        known_to_think=_OPEN_THINKING,
    ),
    # https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion, read on 2026-11-25
    Provider(
        name="novita",
        dialect="openai_chat",
        base_url="https://api.novita.ai/openai/v1",
        base_url_variable="NOVITA_BASE_URL",
        key_variable="NOVITA_API_KEY",
        known_to_think=_OPEN_THINKING,
    ),
    # https://docs.baseten.co/development/model-apis/overview, read on 2026-11-25
    Provider(
        name="baseten",
        dialect="openai_chat",
        base_url="https://inference.baseten.co/v1",
        base_url_variable="BASETEN_BASE_URL",
        key_variable="BASETEN_API_KEY",
        known_to_think=_OPEN_THINKING,
    ),
    # https://huggingface.co/docs/inference-providers/index, read on 2026-11-25
    Provider(
        name="huggingface",
        dialect="openai_chat",
        base_url="https://router.huggingface.co/v1",
        base_url_variable="HUGGINGFACE_BASE_URL",
        key_variable="HF_TOKEN",
        known_to_think=_OPEN_THINKING,
    ),
    # https://docs.github.com/en/rest/models/inference, read on 2026-11-25
    Provider(
        name="github_models",
        dialect="openai_chat",
        base_url="https://models.github.ai/inference",
        base_url_variable="GITHUB_MODELS_BASE_URL",
        key_variable="GITHUB_TOKEN",
        known_to_think=_OPEN_THINKING,
    ),
)
