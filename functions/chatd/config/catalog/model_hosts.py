"""The rows of clouds and hosts that serve the models of other vendors."""

from __future__ import annotations

from dataclasses import replace

from chatd.config.catalog.model_makers import OPENAI
from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.provider import Provider

# Open models that think, as hosts name them, with or without the vendor before a slash.
_OPEN_THINKING = (
    r"(?i)(.*/)?(gpt-oss|deepseek-(r1|v3[.p][1-9]|v4)|qwen-?3(?!.*instruct)|qwq|glm-(4[.p][5-9]|[5-9])"
    r"|kimi-k(2-thinking|2[.p][5-9]|[3-9])|minimax-m|nemotron-3)"
)

ROWS = (
    Provider(
        name="groq",
        dialect="openai_chat",
        base_url="https://api.groq.com/openai/v1",
        base_url_variable="GROQ_BASE_URL",
        key_variable="GROQ_API_KEY",
        known_to_think=_OPEN_THINKING,
        returns_reasoning="reasoning",
        drops=("logprobs", "top_logprobs", "logit_bias", "n", "store", "metadata"),
        turn_fields={"user": ("role", "content"), "system": ("role", "content")},
        # https://github.com/BerriAI/litellm/issues/5839
        refuses=("nulls", "format_beside_tools", "format_in_streams"),
        # https://console.groq.com/docs/structured-outputs
        schema_models=r"openai/gpt-oss|meta-llama/llama-4|moonshotai/kimi-k",
        embeddings=False,
        completions="none",
        source="https://console.groq.com/docs/openai",
        checked="2026-11-25",
    ),
    Provider(
        name="together",
        dialect="openai_chat",
        base_url="https://api.together.xyz/v1",
        base_url_variable="TOGETHER_BASE_URL",
        key_variable="TOGETHER_API_KEY",
        known_to_think=_OPEN_THINKING,
        returns_reasoning="reasoning_content",
        source="https://docs.together.ai/docs/openai-api-compatibility",
        checked="2026-11-25",
    ),
    Provider(
        name="fireworks",
        dialect="openai_chat",
        base_url="https://api.fireworks.ai/inference/v1",
        base_url_variable="FIREWORKS_BASE_URL",
        key_variable="FIREWORKS_API_KEY",
        known_to_think=_OPEN_THINKING,
        # https://docs.fireworks.ai/structured-responses/structured-response-formatting
        refuses=("format_beside_tools",),
        max_tokens_name="max_tokens",
        source="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        checked="2026-11-25",
    ),
    Provider(
        name="cerebras",
        dialect="openai_chat",
        base_url="https://api.cerebras.ai/v1",
        base_url_variable="CEREBRAS_BASE_URL",
        key_variable="CEREBRAS_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        drops=(
            *("frequency_penalty", "presence_penalty", "logit_bias", "n", "logprobs"),
            *("store", "metadata"),
        ),
        # https://inference-docs.cerebras.ai/capabilities/structured-outputs and
        # https://github.com/agno-agi/agno/issues/4508
        refuses=("format_beside_tools", "parallel_tool_calls"),
        returns_reasoning="reasoning",
        embeddings=False,
        source="https://inference-docs.cerebras.ai/api-reference/chat-completions",
        checked="2026-11-25",
    ),
    Provider(
        name="sambanova",
        dialect="openai_chat",
        base_url="https://api.sambanova.ai/v1",
        base_url_variable="SAMBANOVA_BASE_URL",
        key_variable="SAMBANOVA_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        content_as_text=True,
        source="https://docs.sambanova.ai/docs/en/features/openai-compatibility",
        checked="2026-11-25",
    ),
    Provider(
        name="deepinfra",
        dialect="openai_chat",
        base_url="https://api.deepinfra.com/v1/openai",
        base_url_variable="DEEPINFRA_BASE_URL",
        key_variable="DEEPINFRA_API_KEY",
        known_to_think=_OPEN_THINKING,
        source="https://deepinfra.com/docs/openai_api",
        checked="2026-11-25",
    ),
    Provider(
        name="nvidia",
        dialect="openai_chat",
        base_url="https://integrate.api.nvidia.com/v1",
        base_url_variable="NVIDIA_BASE_URL",
        key_variable="NVIDIA_API_KEY",
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        # Its schema takes no further fields: https://github.com/can1357/oh-my-pi/issues/2299
        drops=("store", "metadata", "user"),
        # https://docs.nvidia.com/nim/nemo-retriever/text-embedding/2.0.0/use-the-api-openai.html
        embeddings=EmbeddingsApi("openai", fields={"input_type": "passage"}),
        source="https://docs.api.nvidia.com/nim/reference/llm-apis",
        checked="2026-11-25",
    ),
    Provider(
        name="nebius",
        dialect="openai_chat",
        base_url="https://api.tokenfactory.nebius.com/v1",
        base_url_variable="NEBIUS_BASE_URL",
        key_variable="NEBIUS_API_KEY",
        known_to_think=_OPEN_THINKING,
        source="https://docs.tokenfactory.nebius.com",
        checked="2026-11-25",
    ),
    Provider(
        name="siliconflow",
        dialect="openai_chat",
        base_url="https://api.siliconflow.com/v1",
        base_url_variable="SILICONFLOW_BASE_URL",
        key_variable="SILICONFLOW_API_KEY",
        known_to_think=_OPEN_THINKING,
        thinking_fields=("enable_thinking",),
        source="https://docs.siliconflow.com/en/api-reference/chat-completions",
        checked="2026-11-25",
    ),
    Provider(
        name="novita",
        dialect="openai_chat",
        base_url="https://api.novita.ai/openai/v1",
        base_url_variable="NOVITA_BASE_URL",
        key_variable="NOVITA_API_KEY",
        known_to_think=_OPEN_THINKING,
        source="https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion",
        checked="2026-11-25",
    ),
    Provider(
        name="baseten",
        dialect="openai_chat",
        base_url="https://inference.baseten.co/v1",
        base_url_variable="BASETEN_BASE_URL",
        key_variable="BASETEN_API_KEY",
        known_to_think=_OPEN_THINKING,
        source="https://docs.baseten.co/development/model-apis/overview",
        checked="2026-11-25",
        embeddings=False,  # only from dedicated deployments, each with its own address
    ),
    Provider(
        name="huggingface",
        dialect="openai_chat",
        base_url="https://router.huggingface.co/v1",
        base_url_variable="HUGGINGFACE_BASE_URL",
        key_variable="HF_TOKEN",
        known_to_think=_OPEN_THINKING,
        completions="none",
        source="https://huggingface.co/docs/inference-providers/index",
        checked="2026-11-25",
        embeddings=False,  # only in its own API
    ),
    Provider(
        name="github_models",
        dialect="openai_chat",
        base_url="https://models.github.ai/inference",
        base_url_variable="GITHUB_MODELS_BASE_URL",
        key_variable="GITHUB_TOKEN",
        known_to_think=r"openai/(o[1-9]|gpt-5)|deepseek/deepseek-r1",
        refuses=("model_list",),  # the catalog of models has a host path of its own
        completions="none",
        source="https://docs.github.com/en/rest/models/inference",
        checked="2026-11-25",
    ),
    # A model is the name of a deployment, which often is the model's.
    replace(
        OPENAI,
        name="azure",
        base_url="",  # https://<resource>.openai.azure.com or .services.ai.azure.com
        base_url_variable="AZURE_OPENAI_ENDPOINT",
        base_path="/openai/v1",
        key_variable="AZURE_OPENAI_API_KEY",
        facts="openai",
        source="https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle",
        checked="2026-11-25",
    ),
)
