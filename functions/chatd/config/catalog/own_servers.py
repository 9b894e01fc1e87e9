"""The rows of an owner's servers: each deployment has its own address, and keys are optional."""

from __future__ import annotations

from chatd.config.provider import Provider, Timeouts

_OPEN_THINKING = r"(?i)(.*/)?gpt-oss"
_LOADING = Timeouts(silence=120.0)  # a server may load a model first

ROWS = (
    Provider(
        name="vllm",
        dialect="openai_chat",
        base_url="",
        base_url_variable="VLLM_BASE_URL",
        base_path="/v1",
        key_variable="VLLM_API_KEY",
        key_optional=True,
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        takes_top_k=True,
        developer_as_system=True,
        timeouts=_LOADING,
        source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        checked="2026-11-26",
    ),
    Provider(
        name="lm_studio",
        dialect="openai_chat",
        base_url="",  # on its own machine http://127.0.0.1:1234
        base_url_variable="LM_STUDIO_BASE_URL",
        base_path="/v1",
        key_variable="LM_STUDIO_API_KEY",
        key_optional=True,
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        takes_top_k=True,
        developer_as_system=True,
        # https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670 and /189
        refuses=("named_tool", "json_object"),
        timeouts=_LOADING,
        source="https://lmstudio.ai/docs/developer/openai-compat",
        checked="2026-11-26",
    ),
    Provider(
        name="llama_cpp",
        dialect="openai_chat",
        base_url="",  # on its own machine http://127.0.0.1:8080
        base_url_variable="LLAMA_CPP_BASE_URL",
        base_path="/v1",
        key_variable="LLAMA_API_KEY",
        key_optional=True,
        known_to_think=_OPEN_THINKING,
        max_tokens_name="max_tokens",
        takes_top_k=True,
        developer_as_system=True,
        prefill=True,  # https://github.com/ggml-org/llama.cpp/pull/13174
        timeouts=_LOADING,
        source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        checked="2026-11-26",
    ),
)
