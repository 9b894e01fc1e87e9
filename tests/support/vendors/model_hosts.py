"""The vendors that host other vendors' models: their refusals, and the forms of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tests.support.vendors import errors
from tests.support.vendors.refusals import (
    Json,
    content_lists,
    fields,
    nulls,
    other_tool_choices,
    other_values,
    together,
    turn_fields,
    when,
)
from tests.support.vendors.vendor import Form, Vendor

_GROQ = "https://console.groq.com/docs/openai"
_CEREBRAS = "https://github.com/proxysoul/Empryo/pull/209"
_CEREBRAS_API = "https://inference-docs.cerebras.ai/api-reference/chat-completions"
_SAMBANOVA = "https://docs.sambanova.ai/docs/en/features/openai-compatibility"
_NVIDIA = "https://github.com/can1357/oh-my-pi/issues/2299"
_FIREWORKS = "https://docs.fireworks.ai/tools-sdks/openai-compatibility"
_LM_STUDIO = "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670"


def _format(kind: str) -> Any:
    return lambda body: (body.get("response_format") or {}).get("type") == kind


def _not_parallel(body: Json) -> bool:
    return body.get("parallel_tool_calls") is False


_FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
_AZURE_FIRST = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [],
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": _FILTERED}],
}

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "groq": Vendor(
            models=("openai/gpt-oss-120b",),
            refusals=(
                turn_fields(
                    "https://github.com/tashfeenahmed/freellmapi/issues/1070",
                    *("assistant", "reasoning_content"),
                ),
                fields("https://github.com/fanenr/chatbot/issues/21", "store", "metadata"),
                fields(_GROQ, "logprobs", "top_logprobs", "logit_bias"),
                fields(_GROQ, "thinking", "enable_thinking", "reasoning"),
                other_values(_GROQ, "n", 1),
                nulls(_GROQ, "tool_calls", "name", "reasoning", "tool_call_id"),
                # https://console.groq.com/docs/structured-outputs
                together(
                    "https://console.groq.com/docs/structured-outputs", "response_format", "tools"
                ),
                when(
                    _format("json_schema"),
                    "of the type json_schema",
                    together(
                        "https://console.groq.com/docs/structured-outputs",
                        "response_format",
                        "stream",
                    ),
                ),
            ),
            form=Form(thinking="reasoning", usage="x_groq"),
        ),
        "together": Vendor(
            models=("openai/gpt-oss-120b",), form=Form(thinking="reasoning", usage="last")
        ),
        "fireworks": Vendor(
            models=("accounts/fireworks/models/gpt-oss-120b",),
            refusals=(
                together(_FIREWORKS, "response_format", "tools"),
                together(
                    "https://github.com/BerriAI/litellm/pull/30844", "thinking", "reasoning_effort"
                ),
            ),
            form=Form(usage="last"),
        ),
        "cerebras": Vendor(
            models=("gpt-oss-120b",),
            refusals=(
                turn_fields(
                    "https://github.com/QwenLM/qwen-code/issues/11045",
                    *("assistant", "reasoning_content"),
                ),
                fields(_CEREBRAS, "reasoning", "enable_thinking", "thinking"),
                fields(
                    _CEREBRAS_API, "frequency_penalty", "presence_penalty", "logit_bias", "store"
                ),
                fields(_CEREBRAS_API, "n", "metadata"),
                when(
                    _not_parallel,
                    "that is false",
                    fields("https://github.com/agno-agi/agno/issues/4508", "parallel_tool_calls"),
                ),
                together(
                    "https://inference-docs.cerebras.ai/capabilities/structured-outputs",
                    "tools",
                    "response_format",
                ),
            ),
            error=errors.flat,
            form=Form(thinking="reasoning", usage="last"),
        ),
        "sambanova": Vendor(
            models=("gpt-oss-120b",),
            refusals=(
                content_lists(_SAMBANOVA),
                # Ignored there, which loses the limit.
                fields(_SAMBANOVA, "max_completion_tokens"),
            ),
            form=Form(thinking="reasoning", usage="last"),
        ),
        "nvidia": Vendor(
            models=("openai/gpt-oss-120b",),
            refusals=(
                fields(_NVIDIA, "enable_thinking", "thinking", "reasoning", "store", "user"),
                fields(
                    "https://github.com/sipeed/picoclaw/issues/1019", "prompt_cache_key", "metadata"
                ),
            ),
            status=422,
            error=errors.problem,
        ),
        "deepinfra": Vendor(
            models=("openai/gpt-oss-120b",),
            error=errors.fastapi,
            form=Form(counts={"estimated_cost": 0.00002}),
        ),
        "nebius": Vendor(models=("openai/gpt-oss-120b",), error=errors.fastapi),
        "siliconflow": Vendor(models=("openai/gpt-oss-120b",), error=errors.siliconflow),
        "novita": Vendor(models=("openai/gpt-oss-120b",), error=errors.novita),
        "baseten": Vendor(models=("openai/gpt-oss-120b",)),
        "huggingface": Vendor(models=("openai/gpt-oss-120b:cerebras",), error=errors.huggingface),
        "github_models": Vendor(
            models=("openai/gpt-4.1-mini",),
            form=Form(first=_AZURE_FIRST),
        ),
        "azure": Vendor(
            models=("gpt-4.1-mini",),
            error=errors.azure,
            form=Form(
                first=_AZURE_FIRST,
                whole={
                    "prompt_filter_results": [
                        {"prompt_index": 0, "content_filter_results": _FILTERED}
                    ]
                },
            ),
        ),
        "vllm": Vendor(
            models=("openai/gpt-oss-20b",),
            form=Form(thinking="reasoning"),
        ),
        "lm_studio": Vendor(
            models=("openai/gpt-oss-20b",),
            refusals=(
                other_tool_choices(_LM_STUDIO, "none", "auto", "required"),
                when(
                    _format("json_object"),
                    "of the type json_object",
                    fields(
                        "https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/189",
                        "response_format",
                    ),
                ),
            ),
            error=errors.huggingface,  # {"error": text}, as its thread shows
            form=Form(thinking="reasoning"),
        ),
        "llama_cpp": Vendor(models=("gpt-oss-20b",)),
    }
)
